package dev.s3llm.engine.feedback;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
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
    return newer(() -> predictor.refresh(query, earlier), earlier);
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
    return newer(() -> predictor.revise(query, earlier, generatedTokens), earlier);
  }

  private static @Nullable LengthPrediction newer(
      Supplier<@Nullable LengthPrediction> call, LengthPrediction earlier) {
    try {
      LengthPrediction newer = call.get();
      return newer == null ? earlier : newer;
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
