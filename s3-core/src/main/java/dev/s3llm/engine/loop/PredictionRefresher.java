package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.Candidates;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.predict.LengthPrediction;

/**
 * Renews the predictions of the sequences that may be admitted next, if the predictor has observed
 * further answers since. So a request that waits in a burst profits from the answers before it.
 */
final class PredictionRefresher {
  /** The most sequences whose predictions are renewed before a plan. */
  private static final int MAX_REFRESHED = 8;

  /** The number of observed answers after which predictions are renewed. */
  private static final int ANSWERS_PER_EPOCH = 8;

  private final EngineState state;

  PredictionRefresher(EngineState state) {
    this.state = state;
  }

  /**
   * Returns the present epoch. It advances each time {@value #ANSWERS_PER_EPOCH} answers were
   * observed.
   */
  long epoch() {
    return state.predictions.observed() / ANSWERS_PER_EPOCH;
  }

  /** Renews predictions of an earlier epoch among the next candidates. */
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
    sequence.setPrediction(refreshed, epoch);
  }
}
