/**
 * Models that are fitted to past steps and answers: the time of a step, the latency of a request,
 * and the quality of predictions. Depends on {@code sequence}.
 */
@NullMarked
package dev.s3llm.engine.feedback;

import org.jspecify.annotations.NullMarked;
