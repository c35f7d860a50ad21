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

  /** Learns from an answer that ended. Ignored by default. */
  default void observe(LengthFeedback feedback) {}

  /** Releases what the predictor holds. Idempotent. */
  @Override
  default void close() {}
}
