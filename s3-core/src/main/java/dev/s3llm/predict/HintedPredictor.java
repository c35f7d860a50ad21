package dev.s3llm.predict;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Predicts from the caller's own guess ({@link LengthQuery#hintTokens}), corrected by the observed
 * errors of such guesses ({@link CalibratedPredictor}). Without a guess, another predictor
 * predicts.
 *
 * <p>Thread-safe if the other predictor is.
 */
public final class HintedPredictor implements LengthPredictor {
  private final LengthPredictor others;
  private final CalibratedPredictor hints = new CalibratedPredictor(new Hints());

  /**
   * Creates the predictor.
   *
   * @param others predicts for queries without a hint; closed with this one, and receives all
   *     feedback
   */
  public HintedPredictor(LengthPredictor others) {
    this.others = others;
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return query.hintTokens() > 0 ? hints.predict(query) : others.predict(query);
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return (query.hintTokens() > 0 ? hints : others).refresh(query, earlier);
  }

  @Override
  public boolean predictsParts() {
    return others.predictsParts();
  }

  @Override
  public int featureInterval(int width) {
    return others.featureInterval(width);
  }

  @Override
  public CompletionStage<LengthPrediction> reviseFrom(
      LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] features) {
    return others.reviseFrom(query, earlier, generatedTokens, features);
  }

  @Override
  public void observe(LengthFeedback feedback) {
    if (feedback.query().hintTokens() > 0) {
      hints.observe(feedback);
    }
    others.observe(feedback);
  }

  @Override
  public void close() {
    others.close();
  }

  /** Predicts exactly the hint, or the output limit if that is less. */
  private static final class Hints implements LengthPredictor {
    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      int hint = Math.min(query.hintTokens(), query.maxNewTokens());
      return CompletableFuture.completedFuture(LengthPrediction.exactly(hint));
    }
  }
}
