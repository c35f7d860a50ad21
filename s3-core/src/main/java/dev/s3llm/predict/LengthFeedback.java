package dev.s3llm.predict;

/**
 * How long an answer really became.
 *
 * @param query what was asked
 * @param prediction what the engine worked with (the predictor's answer or its fallback)
 * @param actualTokens tokens that were generated
 * @param censored true if the answer was cut off (limit, cancellation, deadline): it would have
 *     been at least this long
 */
public record LengthFeedback(
    LengthQuery query, LengthPrediction prediction, int actualTokens, boolean censored) {}
