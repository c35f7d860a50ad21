package dev.s3llm.predict;

import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Wraps any predictor (a model, a caller's own number, a column of a trace) and learns online how
 * its predictions turn out, so that the quantiles of what it returns cover what they say. Old
 * observations fade, so it follows predictors and traffic that change.
 *
 * <p>Feedback is matched to the wrapped predictor's answer by the query, among the queries asked
 * last whose answers have not ended; the engine hands back the query that it asked with. See {@link
 * Calibration} for how it learns. Answers that were cut off count as "at least so long".
 *
 * <p>Thread-safe. A prediction takes some microseconds on top of the wrapped one's.
 */
public final class CalibratedPredictor implements LengthPredictor {
  private final LengthPredictor wrapped;
  private final ReentrantLock lock = new ReentrantLock();
  private final Calibration calibration = new Calibration();
  private final OpenPredictions open = new OpenPredictions();

  /**
   * Wraps a predictor.
   *
   * @param wrapped closed with this one, and given the same feedback
   */
  public CalibratedPredictor(LengthPredictor wrapped) {
    this.wrapped = wrapped;
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return wrapped.predict(query).thenApply(prediction -> calibrated(query, prediction));
  }

  private LengthPrediction calibrated(LengthQuery query, LengthPrediction prediction) {
    lock.lock();
    try {
      open.add(query, prediction);
      return calibration.apply(prediction).cappedAt(query.maxNewTokens());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    lock.lock();
    try {
      LengthPrediction known = open.get(query);
      if (known == null) {
        return earlier;
      }
      LengthPrediction refreshed = wrapped.refresh(query, known);
      open.refresh(query, refreshed);
      return calibration.apply(refreshed).cappedAt(query.maxNewTokens());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void observe(LengthFeedback feedback) {
    wrapped.observe(feedback);
    lock.lock();
    try {
      @Nullable LengthPrediction prediction = open.end(feedback.query());
      if (prediction != null && feedback.actualTokens() > 0) {
        calibration.learn(prediction, feedback.actualTokens(), feedback.censored());
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    wrapped.close();
  }
}
