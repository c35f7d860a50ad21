/**
 * KV memory: which sequence owns which block, and how much to set aside for each.
 *
 * <p>Depends on {@code predict} only. {@link dev.s3llm.memory.KvBlockPool} is the ledger; a {@link
 * dev.s3llm.memory.MemoryPlanner} decides what a candidate gets.
 */
@NullMarked
package dev.s3llm.memory;

import org.jspecify.annotations.NullMarked;
