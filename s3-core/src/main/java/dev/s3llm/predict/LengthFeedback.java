package dev.s3llm.predict;

/**
 * The actual length of an answer, for the predictor that predicted it. Immutable.
 *
 * @param query the query of the prediction
 * @param prediction the latest prediction that the engine used, by the predictor or its fallback
 * @param actualTokens number of tokens generated, at least 1; for an answer that was decoded on a
 *     canvas, the slots of the canvas, because these are what a reservation must cover
 * @param censored whether the answer was cut off by a limit, a cancellation or a deadline; its full
 *     length is then at least {@code actualTokens}
 */
public record LengthFeedback(
    LengthQuery query, LengthPrediction prediction, int actualTokens, boolean censored) {}
