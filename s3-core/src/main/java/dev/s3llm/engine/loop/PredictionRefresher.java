package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.Candidates;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.predict.LengthPrediction;

/**
 * Predicts again for the sequences that will be admitted next, if answers have ended since they
 * were predicted: a request that waited in a burst profits from the lengths of the answers before
 * it.
 */
final class PredictionRefresher {
  /** Waiting sequences that are predicted again before a plan, at most. */
  private static final int MAX_REFRESHED = 8;

  /** Answers that must have ended before predictions are made again. */
  private static final int ANSWERS_PER_EPOCH = 8;

  private final EngineState state;

  PredictionRefresher(EngineState state) {
    this.state = state;
  }

  /** Returns how much was learned from answers so far; predictions of an epoch are alike. */
  long epoch() {
    return state.predictions.observed() / ANSWERS_PER_EPOCH;
  }

  /** Predicts again where it can change something. */
  void refresh() {
    long epoch = epoch();
    Candidates<Sequence> candidates = state.waiting.candidates();
    Sequence next;
    for (int i = 0; i < MAX_REFRESHED && (next = candidates.next()) != null; i++) {
      if (next.predictionEpoch() != epoch) {
        refresh(next, epoch);
      }
      candidates.admitted();
    }
  }

  private void refresh(Sequence sequence, long epoch) {
    LengthPrediction earlier = sequence.prediction();
    LengthPrediction refreshed = state.predictor.refresh(sequence.spec().query(), earlier);
    if (refreshed == null) {
      state.counters.predictorFallbacks++;
      refreshed = earlier;
    }
    sequence.predict(refreshed, epoch);
  }
}
