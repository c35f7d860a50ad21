package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.Candidates;
import dev.s3llm.engine.sequence.Phases;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import org.jspecify.annotations.Nullable;

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

  /**
   * Revises the predictions of running sequences, each after as many tokens as the predictor wants.
   * The tokens of a step in flight count: so a draft and a plan without one revise the same.
   */
  void reviseRunning() {
    int interval = state.predictor.revisionInterval();
    if (interval == 0) {
      return;
    }
    for (int i = 0; i < state.running.size(); i++) {
      Sequence sequence = state.running.get(i);
      int revision = sequence.generatedTokens() / interval;
      if (revision > sequence.revision() && sequence.phasesApart() == null) {
        revise(sequence, revision);
      }
    }
  }

  private void revise(Sequence sequence, int revision) {
    LengthPrediction revised =
        state.predictor.revise(
            sequence.spec().query(), sequence.prediction(), sequence.generatedTokens());
    sequence.revise(orEarlier(revised, sequence.prediction()), revision);
  }

  private void refresh(Sequence sequence, long epoch) {
    Phases phases = sequence.phasesApart();
    Phases.Lengths lengths = phases == null ? null : phases.lengths();
    if (phases != null && lengths != null && lengths.thinking() != null) {
      LengthPrediction thinking = refreshed(phases.thinkingQuery(), lengths.thinking());
      LengthPrediction answer = refreshed(phases.answerQuery(), lengths.answer());
      sequence.setPrediction(new Phases.Lengths(thinking, answer), epoch);
      return;
    }
    LengthPrediction earlier = sequence.prediction();
    sequence.setPrediction(refreshed(sequence.spec().query(), earlier), epoch);
  }

  private LengthPrediction refreshed(LengthQuery query, LengthPrediction earlier) {
    return orEarlier(state.predictor.refresh(query, earlier), earlier);
  }

  /**
   * Returns the newer prediction; counts a failure and returns the earlier one if there is none.
   */
  private LengthPrediction orEarlier(@Nullable LengthPrediction newer, LengthPrediction earlier) {
    if (newer == null) {
      state.counters.predictorFallbacks++;
      return earlier;
    }
    return newer;
  }
}
