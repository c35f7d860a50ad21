/**
 * What the next step does: the waiting queues of the tenants, the packing loop, its plan, and the
 * rules that make every request end ({@link dev.s3llm.engine.plan.Termination}). It only counts;
 * the loop moves the blocks. Depends on {@code sequence} and {@code feedback}.
 */
@NullMarked
package dev.s3llm.engine.plan;

import org.jspecify.annotations.NullMarked;
