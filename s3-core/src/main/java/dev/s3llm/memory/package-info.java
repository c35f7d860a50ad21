/**
 * The planning of KV memory: {@link dev.s3llm.memory.MemoryPlanner}, which applications implement
 * and which decides how many blocks a sequence gets and when, and the planners of this library.
 * Depends on {@code predict} and {@code schedule}, and internally on {@code support}.
 */
@NullMarked
package dev.s3llm.memory;

import org.jspecify.annotations.NullMarked;
