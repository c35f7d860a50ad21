package dev.s3llm.engine.feedback;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Calls a predictor, which is foreign code and may throw anything: a prediction is advice, and only
 * speed may depend on it.
 */
public final class GuardedPredictor {
  private final LengthPredictor predictor;

  /**
   * Creates the guard.
   *
   * @param predictor any predictor
   */
  public GuardedPredictor(LengthPredictor predictor) {
    this.predictor = predictor;
  }

  /** Returns the prediction; the future fails if the predictor throws. */
  public CompletableFuture<LengthPrediction> predict(LengthQuery query) {
    try {
      return predictor.predict(query).toCompletableFuture();
    } catch (Throwable e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Returns a newer prediction, the earlier one where there is none, or null if it throws. */
  public @Nullable LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    try {
      LengthPrediction refreshed = predictor.refresh(query, earlier);
      return refreshed == null ? earlier : refreshed;
    } catch (Throwable e) {
      return null;
    }
  }

  /** Passes an actual length on; returns false if the predictor throws. */
  public boolean observe(LengthFeedback feedback) {
    try {
      predictor.observe(feedback);
      return true;
    } catch (Throwable e) {
      return false;
    }
  }
}
