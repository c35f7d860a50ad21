package dev.s3llm.engine.loop;

import dev.s3llm.engine.feedback.PredictionMonitor;
import dev.s3llm.engine.record.RequestRecording;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceState;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.support.Guard;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends sequences: takes them from where they are, frees what they hold, tells everybody once. */
final class SequenceFinisher {
  private static final Logger log = LoggerFactory.getLogger(SequenceFinisher.class);

  private final EngineState state;

  SequenceFinisher(EngineState state) {
    this.state = state;
  }

  /**
   * Ends a sequence wherever it is. Does nothing if it has ended. Whatever a part throws on the
   * way, who waits for the result gets it.
   */
  void end(Sequence sequence, FinishReason reason, @Nullable Failure failure, long now) {
    if (state.live.remove(sequence.sequenceId()) == null) {
      return;
    }
    state.draft.invalidate();
    state.alarms.cancel(sequence, Alarms.Kind.DEADLINE);
    state.alarms.cancel(sequence, Alarms.Kind.PREDICTION);
    SequenceState before = sequence.end();
    state.counters.ended(reason);
    try {
      takeOut(sequence, before);
      feedBack(sequence, reason, now);
    } finally {
      boolean waiting = before == SequenceState.WAITING;
      report(sequence, sequence.outcome(reason, failure, waiting, now), now);
    }
  }

  private void takeOut(Sequence sequence, SequenceState from) {
    if (state.lastDeferred == sequence) {
      state.lastDeferred = null;
    }
    release(sequence);
    if (from == SequenceState.RUNNING) {
      state.running.remove(sequence);
    }
    if (from == SequenceState.WAITING || from == SequenceState.RUNNING) {
      state.waiting.ended(sequence);
    }
  }

  private void report(Sequence sequence, SequenceOutcome outcome, long now) {
    if (Guard.run(() -> sequence.spec().sink().onEnd(outcome)) != null) {
      state.counters.sinkFailures++;
    }
    RequestRecording.commit(sequence, outcome);
    int generated = sequence.generatedForSure();
    state.publish(
        () ->
            new EngineEvent.Ended(
                now,
                sequence.requestId(),
                outcome.reason(),
                generated,
                outcome.prediction(),
                outcome.timing().firstTokenNanos()));
  }

  /** Ends every live sequence. */
  void endAll(FinishReason reason, @Nullable Failure failure, long now) {
    List.copyOf(state.live.values()).forEach(s -> end(s, reason, failure, now));
  }

  /** Fails every live sequence, whatever state an error has left the engine in. */
  void failAll(Failure failure, long now) {
    for (Sequence sequence : List.copyOf(state.live.values())) {
      Throwable thrown = Guard.run(() -> end(sequence, FinishReason.FAILED, failure, now));
      if (thrown != null) {
        log.error("{} could not be ended in order", sequence, thrown);
      }
    }
  }

  private void release(Sequence sequence) {
    // The lease stays with the sequence: a step in flight may still read its block table.
    KvBlockPool.Lease deviceLease = sequence.deviceIfHeld();
    KvBlockPool.Lease hostLease = sequence.takeHost();
    if (deviceLease != null) {
      giveBack(deviceLease);
    }
    if (hostLease != null) {
      giveBack(hostLease);
    }
  }

  /** At once, or when the step in flight, which may touch the blocks, is over. */
  private void giveBack(KvBlockPool.Lease lease) {
    StepInFlight step = state.inFlight;
    if (step == null) {
      lease.close();
    } else {
      step.fenced.add(lease);
    }
  }

  private void feedBack(Sequence sequence, FinishReason reason, long now) {
    LengthPrediction prediction = sequence.predictionIfKnown();
    int generated = sequence.generatedForSure();
    if (prediction == null || generated == 0 || reason == FinishReason.FAILED) {
      return;
    }
    state.predictions.observe(
        new LengthFeedback(sequence.spec().query(), prediction, generated, reason.censored()),
        state.predictor,
        state.fallback);
    if (state.predictions.driftChanged()) {
      reportDrift(now);
    }
  }

  private void reportDrift(long now) {
    PredictionMonitor monitor = state.predictions;
    boolean drifting = monitor.drifting();
    double coverage = monitor.recentCoverage();
    double error = monitor.recentErrorTokens();
    log.info(
        "length predictions {}: {} of recent answers within their 90th percentile, error {} tokens",
        drifting ? "miss" : "hold again",
        coverage,
        error);
    state.publish(() -> new EngineEvent.PredictionDrift(now, drifting, coverage, error));
  }
}
