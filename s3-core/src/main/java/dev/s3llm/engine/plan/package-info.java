/**
 * The decisions about the next step: the waiting queues of the tenants, the scheduler, its plan,
 * and the rules that make every request end ({@link dev.s3llm.engine.plan.Termination}). Plans only
 * count blocks; the loop moves them. Depends on {@code sequence} and {@code feedback}.
 */
@NullMarked
package dev.s3llm.engine.plan;

import org.jspecify.annotations.NullMarked;
