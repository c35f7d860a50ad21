package dev.s3llm.engine.feedback;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;

/**
 * Watches how predictions turn out and gives every actual length back to the predictors.
 *
 * <p>Not thread-safe: the engine loop is the only user.
 */
public final class PredictionMonitor {
  private static final double QUANTILE = 0.9;

  /** Recent answers: each keeps this share of its weight when another follows. */
  private static final double RETAIN = 1 - 1.0 / 200;

  private static final double LEAST_WEIGHT = 100;

  /** Answers that the recent error is compared with. */
  private static final double RETAIN_USUAL = 1 - 1.0 / 2000;

  /** Coverage this far below the quantile is drift; back within the second, it is over. */
  private static final double DRIFT = 0.1;

  private static final double RECOVERED = 0.05;

  /** An error so many times the usual one is drift; back within the second, it is over. */
  private static final double ERROR_DRIFT = 1.5;

  private static final double ERROR_RECOVERED = 1.25;

  /** Errors within so many tokens of each other are alike. */
  private static final double ERROR_SLACK = 2;

  private long observed;
  private long covered;
  private double absoluteErrorTokens;
  private long feedbackFailures;
  private double recentCovered;
  private double recentError;
  private double recentWeight;
  private double usualError;
  private double usualWeight;
  private boolean drifting;

  /** Creates a supervisor that has seen nothing yet. */
  public PredictionMonitor() {}

  /** Passes feedback on; a predictor that throws is counted and otherwise ignored. */
  public void observe(
      LengthFeedback feedback, GuardedPredictor predictor, LengthPredictor fallback) {
    if (!feedback.censored()) {
      LengthPrediction prediction = feedback.prediction();
      int within = feedback.actualTokens() <= prediction.quantile(QUANTILE) ? 1 : 0;
      double error = Math.abs(feedback.actualTokens() - prediction.quantile(0.5));
      observed++;
      covered += within;
      absoluteErrorTokens += error;
      recentWeight = recentWeight * RETAIN + 1;
      recentCovered = recentCovered * RETAIN + within;
      recentError = recentError * RETAIN + error;
      usualWeight = usualWeight * RETAIN_USUAL + 1;
      usualError = usualError * RETAIN_USUAL + error;
    }
    feedbackFailures += predictor.observe(feedback) ? 0 : 1;
    fallback.observe(feedback);
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

  /** The share within the 90th percentile, over about the last 200 answers. */
  public double recentCoverage() {
    return recentCovered / recentWeight;
  }

  /** Mean absolute error of the median over the same answers, in tokens. */
  public double recentErrorTokens() {
    return recentError / recentWeight;
  }

  /** Whether predictions miss at present. */
  public boolean drifting() {
    return drifting;
  }

  /** Looks at the recent answers; true if {@link #drifting} has changed. */
  public boolean driftChanged() {
    if (recentWeight < LEAST_WEIGHT) {
      return false;
    }
    double missed = QUANTILE - recentCoverage();
    double usual = usualError / usualWeight;
    boolean now =
        missed > (drifting ? RECOVERED : DRIFT)
            || recentErrorTokens()
                > usual * (drifting ? ERROR_RECOVERED : ERROR_DRIFT) + ERROR_SLACK;
    boolean changed = now != drifting;
    drifting = now;
    return changed;
  }

  /** How often a predictor threw when given feedback. */
  public long feedbackFailures() {
    return feedbackFailures;
  }
}
