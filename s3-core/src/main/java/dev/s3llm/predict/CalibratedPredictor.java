package dev.s3llm.predict;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Corrects the predictions of another predictor (a model, a caller's own number, a column of a
 * trace) by its observed errors, so that a quantile p of a corrected prediction covers a share p of
 * the answers. It learns online, and old observations fade, so it adapts when the predictor or the
 * traffic changes.
 *
 * <p>Feedback is matched to the wrapped predictor's prediction by an equal query, among the latest
 * queries whose answers have not ended. {@link Calibration} describes the method. An answer that
 * was cut off counts as a lower bound of the length. Thinking, answers behind it and whole outputs
 * are corrected apart.
 *
 * <p>Thread-safe if the wrapped predictor is. A prediction takes some microseconds more than the
 * wrapped predictor's.
 */
public final class CalibratedPredictor implements LengthPredictor {
  private final LengthPredictor wrapped;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<LengthQuery.Part, Calibration> calibrations =
      new EnumMap<>(LengthQuery.Part.class);
  private final OpenPredictions open = new OpenPredictions();

  /**
   * Wraps a predictor.
   *
   * @param wrapped the predictor to correct; closed with this one, and receives the same feedback
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
      return calibration(query).apply(prediction).cappedAt(query.maxNewTokens());
    } finally {
      lock.unlock();
    }
  }

  /** Returns the errors of the part that a query asks for. */
  private Calibration calibration(LengthQuery query) {
    return calibrations.computeIfAbsent(query.part(), part -> new Calibration());
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
      return calibration(query).apply(refreshed).cappedAt(query.maxNewTokens());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean predictsParts() {
    return wrapped.predictsParts();
  }

  @Override
  public int featureInterval(int width) {
    return wrapped.featureInterval(width);
  }

  /**
   * Completes with the wrapped predictor's answer as it is: only first predictions are corrected.
   */
  @Override
  public CompletionStage<LengthPrediction> reviseFrom(
      LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] features) {
    return wrapped.reviseFrom(query, earlier, generatedTokens, features);
  }

  @Override
  public void observe(LengthFeedback feedback) {
    wrapped.observe(feedback);
    lock.lock();
    try {
      @Nullable LengthPrediction prediction = open.end(feedback.query());
      if (prediction != null && feedback.actualTokens() > 0) {
        calibration(feedback.query())
            .learn(prediction, feedback.actualTokens(), feedback.censored());
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
