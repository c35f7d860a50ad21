/**
 * What gives way when a prediction was wrong and memory is full: {@link
 * dev.s3llm.recover.RecoveryPolicy}, which applications implement, and the policies of this
 * library. Depends on {@code schedule}, {@code predict} and the costs of {@code execute}.
 */
@NullMarked
package dev.s3llm.recover;

import org.jspecify.annotations.NullMarked;
