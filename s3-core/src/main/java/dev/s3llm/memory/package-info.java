/**
 * How much KV memory a sequence gets, and when: {@link dev.s3llm.memory.MemoryPlanner}, which
 * applications implement, and the planners of this library. Depends on {@code predict} and {@code
 * schedule}.
 */
@NullMarked
package dev.s3llm.memory;

import org.jspecify.annotations.NullMarked;
