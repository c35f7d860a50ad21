/**
 * What happens when a prediction was wrong: growing in place, preempting by swap or recompute, and
 * the feedback that predictors learn from. Depends on {@code predict}, {@code memory} and {@code
 * execute}'s costs.
 */
@NullMarked
package dev.s3llm.recover;

import org.jspecify.annotations.NullMarked;
