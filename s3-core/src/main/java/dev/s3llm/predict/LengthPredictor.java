package dev.s3llm.predict;

import java.util.concurrent.CompletionStage;

/**
 * Predicts how many tokens an answer will have, before it is generated.
 *
 * <p>The engine calls both methods from its loop, so both must return promptly; a predictor that
 * computes does so on threads of its own and completes the stage later. Failures, late answers and
 * nonsense are replaced by the engine's fallback.
 */
public interface LengthPredictor extends AutoCloseable {

  /** Predicts the length of one answer. */
  CompletionStage<LengthPrediction> predict(LengthQuery query);

  /**
   * Predicts again what was predicted before, now that more answers have been seen; the earlier
   * prediction by default. The engine asks shortly before it admits a request that has waited, and
   * does not wait: the answer must take microseconds.
   *
   * @param earlier what was predicted at submission, or by the last refresh
   */
  default LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return earlier;
  }

  /** Learns from an answer that ended. Ignored by default. */
  default void observe(LengthFeedback feedback) {}

  /**
   * Releases what the predictor holds. Idempotent. The engine calls it when none of the other
   * methods is running or will be called again; stages may still be open.
   */
  @Override
  default void close() {}
}
