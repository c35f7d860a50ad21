package dev.s3llm.engine.feedback;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A predictor behind a guard. A predictor is foreign code and may throw anything, but a prediction
 * is only advice: a failure must not affect more than speed.
 */
public final class GuardedPredictor {
  private final LengthPredictor predictor;
  private final int revisionInterval;
  private final int featureInterval;
  private final boolean predictsParts;

  /**
   * Creates the guard.
   *
   * @param predictor any predictor
   * @param featureWidth number of features that the executor returns for a token, 0 or more
   */
  public GuardedPredictor(LengthPredictor predictor, int featureWidth) {
    this.predictor = predictor;
    this.revisionInterval = interval(predictor::revisionInterval);
    this.predictsParts = interval(() -> predictor.predictsParts() ? 1 : 0) > 0;
    this.featureInterval =
        featureWidth == 0 ? 0 : interval(() -> predictor.featureInterval(featureWidth));
  }

  /**
   * Requests a prediction.
   *
   * @return the predictor's future, or a failed one if the predictor throws
   */
  public CompletableFuture<LengthPrediction> predict(LengthQuery query) {
    return future(() -> predictor.predict(query));
  }

  /**
   * Renews a prediction.
   *
   * @return the newer prediction, the earlier one if there is none, or null if the predictor throws
   */
  public @Nullable LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return newer(() -> predictor.refresh(query, earlier), earlier);
  }

  /** Returns whether thinking and answer are predicted apart. */
  public boolean predictsParts() {
    return predictsParts;
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

  /** Returns after how many tokens a running answer's features are requested; 0 for never. */
  public int featureInterval() {
    return featureInterval;
  }

  /**
   * Requests the revision of a running answer's prediction from features.
   *
   * @return the predictor's future, or a failed one if the predictor throws
   */
  public CompletableFuture<LengthPrediction> reviseFrom(
      LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] features) {
    return future(() -> predictor.reviseFrom(query, earlier, generatedTokens, features));
  }

  private static CompletableFuture<LengthPrediction> future(
      Supplier<CompletionStage<LengthPrediction>> call) {
    try {
      return call.get().toCompletableFuture();
    } catch (Throwable e) {
      return CompletableFuture.failedFuture(e);
    }
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

  private static int interval(IntSupplier call) {
    try {
      return Math.max(0, call.getAsInt());
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
