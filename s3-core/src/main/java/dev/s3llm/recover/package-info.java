/**
 * Recovery when a prediction was too short and memory is full: {@link
 * dev.s3llm.recover.RecoveryPolicy}, which applications implement, and the policies of this library
 * ({@link dev.s3llm.recover.Recovery}). Depends on {@code schedule}, {@code predict} and the costs
 * of {@code execute}, and internally on {@code support}.
 */
@NullMarked
package dev.s3llm.recover;

import org.jspecify.annotations.NullMarked;
