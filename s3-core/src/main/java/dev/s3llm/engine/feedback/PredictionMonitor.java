package dev.s3llm.engine.feedback;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import java.util.List;

/**
 * Compares predictions with actual lengths, detects when they become worse (drift), and reports
 * every actual length to the predictors.
 *
 * <p>Not thread-safe: the engine loop is the only user.
 */
public final class PredictionMonitor {
  private static final double QUANTILE = 0.9;

  /**
   * The factor on the weight of earlier answers in the recent averages, for each further answer.
   */
  private static final double RECENT_DECAY = 1 - 1.0 / 200;

  /** The weight of answers below which drift is not judged. */
  private static final double MIN_WEIGHT = 100;

  /** The same factor in the usual error, with which the recent error is compared. */
  private static final double USUAL_DECAY = 1 - 1.0 / 2000;

  /** Coverage below the quantile by more than the first is drift, until it is within the second. */
  private static final double DRIFT = 0.1;

  private static final double RECOVERED = 0.05;

  /** A recent error above the first times the usual one is drift, until it is below the second. */
  private static final double ERROR_DRIFT = 1.5;

  private static final double ERROR_RECOVERED = 1.25;

  /** A difference of errors, in tokens, that is never drift. */
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

  /** Creates a monitor without observations. */
  public PredictionMonitor() {}

  /**
   * Records the actual length of an answer and reports it to the predictors.
   *
   * @param feedback the whole output; a censored one is only reported
   * @param reported the lengths to report: the whole, or its parts if these are predicted apart
   * @param predictor the engine's predictor; its failures are counted
   * @param fallback the fallback predictor
   */
  public void observe(
      LengthFeedback feedback,
      List<LengthFeedback> reported,
      GuardedPredictor predictor,
      LengthPredictor fallback) {
    if (!feedback.censored()) {
      LengthPrediction prediction = feedback.prediction();
      int within = feedback.actualTokens() <= prediction.quantile(QUANTILE) ? 1 : 0;
      double error = Math.abs(feedback.actualTokens() - prediction.quantile(0.5));
      observed++;
      covered += within;
      absoluteErrorTokens += error;
      recentWeight = recentWeight * RECENT_DECAY + 1;
      recentCovered = recentCovered * RECENT_DECAY + within;
      recentError = recentError * RECENT_DECAY + error;
      usualWeight = usualWeight * USUAL_DECAY + 1;
      usualError = usualError * USUAL_DECAY + error;
    }
    for (LengthFeedback length : reported) {
      feedbackFailures += predictor.observe(length) ? 0 : 1;
      fallback.observe(length);
    }
  }

  /** Returns the number of answers that were not censored. */
  public long observed() {
    return observed;
  }

  /** Returns the share of them within their predicted 90th percentile; NaN before the first. */
  public double coverageOfP90() {
    return (double) covered / observed;
  }

  /** Returns the mean absolute error of the predicted median, in tokens; NaN before the first. */
  public double meanAbsoluteErrorTokens() {
    return absoluteErrorTokens / observed;
  }

  /** Returns the share within the 90th percentile, over about the last 200 answers. */
  public double recentCoverage() {
    return recentCovered / recentWeight;
  }

  /** Returns the mean absolute error of the median over the same answers, in tokens. */
  public double recentErrorTokens() {
    return recentError / recentWeight;
  }

  /** Returns whether predictions drift, as of the latest {@link #driftChanged}. */
  public boolean drifting() {
    return drifting;
  }

  /** Judges the recent answers; returns whether {@link #drifting} has changed. */
  public boolean driftChanged() {
    if (recentWeight < MIN_WEIGHT) {
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

  /** Returns how often the engine's predictor has thrown on feedback. */
  public long feedbackFailures() {
    return feedbackFailures;
  }
}
