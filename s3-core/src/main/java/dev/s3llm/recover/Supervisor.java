package dev.s3llm.recover;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;

/**
 * Watches how predictions turn out and gives every actual length back to the predictors.
 *
 * <p>Not thread-safe: the engine loop is the only user.
 */
public final class Supervisor {
  private static final double QUANTILE = 0.9;

  private long observed;
  private long covered;
  private double absoluteErrorTokens;
  private long feedbackFailures;

  /** Creates a supervisor that has seen nothing yet. */
  public Supervisor() {}

  /** Passes feedback on; a predictor that throws is counted and otherwise ignored. */
  public void observe(
      LengthFeedback feedback, LengthPredictor predictor, LengthPredictor fallback) {
    if (!feedback.censored()) {
      LengthPrediction prediction = feedback.prediction();
      observed++;
      covered += feedback.actualTokens() <= prediction.quantile(QUANTILE) ? 1 : 0;
      absoluteErrorTokens += Math.abs(feedback.actualTokens() - prediction.quantile(0.5));
    }
    give(feedback, predictor);
    if (fallback != predictor) {
      give(feedback, fallback);
    }
  }

  /** Answers that ended by themselves. */
  public long observed() {
    return observed;
  }

  /** The share of them that stayed within their predicted 90th percentile; NaN before the first. */
  public double coverageOfP90() {
    return (double) covered / observed;
  }

  /** Mean absolute error of the predicted median, in tokens; NaN before the first. */
  public double meanAbsoluteErrorTokens() {
    return absoluteErrorTokens / observed;
  }

  /** How often a predictor threw when given feedback. */
  public long feedbackFailures() {
    return feedbackFailures;
  }

  private void give(LengthFeedback feedback, LengthPredictor predictor) {
    try {
      predictor.observe(feedback);
    } catch (RuntimeException e) {
      feedbackFailures++;
    }
  }
}
