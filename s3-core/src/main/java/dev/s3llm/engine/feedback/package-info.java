/**
 * What the engine learns from steps and answers: the time of a step, what a request can expect, and
 * how predictions turn out. Depends on {@code sequence}.
 */
@NullMarked
package dev.s3llm.engine.feedback;

import org.jspecify.annotations.NullMarked;
