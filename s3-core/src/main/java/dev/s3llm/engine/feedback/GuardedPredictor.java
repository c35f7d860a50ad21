package dev.s3llm.engine.feedback;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A predictor behind a guard. A predictor is foreign code and may throw anything, but a prediction
 * is only advice: a failure must not affect more than speed.
 */
public final class GuardedPredictor {
  private final LengthPredictor predictor;
  private final int revisionInterval;

  /**
   * Creates the guard.
   *
   * @param predictor any predictor
   */
  public GuardedPredictor(LengthPredictor predictor) {
    this.predictor = predictor;
    this.revisionInterval = readRevisionInterval();
  }

  /**
   * Requests a prediction.
   *
   * @return the predictor's future, or a failed one if the predictor throws
   */
  public CompletableFuture<LengthPrediction> predict(LengthQuery query) {
    try {
      return predictor.predict(query).toCompletableFuture();
    } catch (Throwable e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Renews a prediction.
   *
   * @return the newer prediction, the earlier one if there is none, or null if the predictor throws
   */
  public @Nullable LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    try {
      LengthPrediction refreshed = predictor.refresh(query, earlier);
      return refreshed == null ? earlier : refreshed;
    } catch (Throwable e) {
      return null;
    }
  }

  /** Returns after how many tokens a running answer's prediction is revised; 0 for never. */
  public int revisionInterval() {
    return revisionInterval;
  }

  /**
   * Revises the prediction of a running answer.
   *
   * @return the newer prediction, the earlier one if there is none, or null if the predictor throws
   */
  public @Nullable LengthPrediction revise(
      LengthQuery query, LengthPrediction earlier, int generatedTokens) {
    try {
      LengthPrediction revised = predictor.revise(query, earlier, generatedTokens);
      return revised == null ? earlier : revised;
    } catch (Throwable e) {
      return null;
    }
  }

  private int readRevisionInterval() {
    try {
      return Math.max(0, predictor.revisionInterval());
    } catch (Throwable e) {
      return 0;
    }
  }

  /**
   * Reports the actual length of an answer to the predictor.
   *
   * @return false if the predictor throws
   */
  public boolean observe(LengthFeedback feedback) {
    try {
      predictor.observe(feedback);
      return true;
    } catch (Throwable e) {
      return false;
    }
  }
}
