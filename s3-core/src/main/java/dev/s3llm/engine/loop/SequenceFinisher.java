package dev.s3llm.engine.loop;

import dev.s3llm.engine.constraint.ConstraintProgress;
import dev.s3llm.engine.feedback.PredictionMonitor;
import dev.s3llm.engine.record.RequestRecording;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Phases;
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

/**
 * Ends sequences: removes them from lists and queues, returns their blocks, reports their lengths
 * to the predictors, and delivers their outcome exactly once.
 */
final class SequenceFinisher {
  private static final Logger log = LoggerFactory.getLogger(SequenceFinisher.class);

  private final EngineState state;

  SequenceFinisher(EngineState state) {
    this.state = state;
  }

  /**
   * Ends a sequence in any state. Does nothing if it has ended before. The outcome is delivered
   * even if a part throws on the way.
   *
   * @param sequence the sequence
   * @param reason why it ends
   * @param failure what failed, or null
   * @param now the engine's time, in nanoseconds
   */
  void end(Sequence sequence, FinishReason reason, @Nullable Failure failure, long now) {
    if (state.live.remove(sequence.sequenceId()) == null) {
      return;
    }
    state.draft.invalidate();
    state.alarms.cancel(sequence, Alarms.Kind.DEADLINE);
    state.alarms.cancel(sequence, Alarms.Kind.PREDICTION);
    state.alarms.cancel(sequence, Alarms.Kind.MASK);
    SequenceState before = sequence.end();
    ConstraintProgress constraint = sequence.constraint();
    if (constraint != null) {
      constraint.cancel();
    }
    state.counters.ended(sequence, reason, sequence.history().timing(now));
    try {
      remove(sequence, before, now);
      feedBack(sequence, reason, now);
      state.publishSnapshot(); // whoever has the result sees a snapshot without the request
    } finally {
      boolean waiting = before == SequenceState.WAITING || before == SequenceState.PARKED;
      report(sequence, sequence.outcome(reason, failure, waiting, now), now);
    }
  }

  private void remove(Sequence sequence, SequenceState from, long now) {
    state.deferrals.forget(sequence);
    release(sequence, now);
    state.prefixes.leave(sequence);
    if (from == SequenceState.RUNNING) {
      state.running.remove(sequence);
    }
    if (from != SequenceState.PREDICTING) {
      state.waiting.ended(sequence);
    }
  }

  private void report(Sequence sequence, SequenceOutcome outcome, long now) {
    if (Guard.run(() -> sequence.spec().sink().onEnd(outcome)) != null) {
      state.counters.callbackFailures++;
    }
    RequestRecording.commit(sequence, outcome);
    int generated = sequence.committedTokens();
    int thinking = sequence.thinkingTokens();
    state.publish(
        () ->
            new EngineEvent.Ended(
                now,
                sequence.requestId(),
                outcome.reason(),
                generated,
                thinking,
                outcome.prediction(),
                outcome.timing().firstTokenNanos(),
                sequence.asked()));
  }

  /** Ends every live sequence. */
  void endAll(FinishReason reason, @Nullable Failure failure, long now) {
    List.copyOf(state.live.values()).forEach(s -> end(s, reason, failure, now));
  }

  /** Fails every live sequence; continues with the next one if ending a sequence throws. */
  void failAll(Failure failure, long now) {
    for (Sequence sequence : List.copyOf(state.live.values())) {
      Throwable thrown = Guard.run(() -> end(sequence, FinishReason.FAILED, failure, now));
      if (thrown != null) {
        log.error("{} could not be ended cleanly", sequence, thrown);
      }
    }
  }

  private void release(Sequence sequence, long now) {
    // The lease stays with the sequence: a step in flight may still read its block table.
    KvBlockPool.Lease deviceLease = sequence.deviceIfHeld();
    KvBlockPool.Lease hostLease = sequence.takeHost();
    if (deviceLease != null) {
      state.prefixes.release(sequence, sequence.knownKvTokens(), true, now);
      giveBack(deviceLease);
    }
    if (hostLease != null) {
      giveBack(hostLease);
    }
    if (deviceLease != null || hostLease != null) {
      releaseState(sequence);
    }
  }

  /** Tells the executor that the KV is lost: at once, or after the step in flight. */
  private void releaseState(Sequence sequence) {
    StepInFlight step = state.inFlight;
    if (step == null) {
      state.released(sequence);
    } else {
      step.endedMeanwhile(sequence);
    }
  }

  /** Closes a lease: at once, or after the step in flight, which may use the blocks. */
  private void giveBack(KvBlockPool.Lease lease) {
    StepInFlight step = state.inFlight;
    if (step == null) {
      lease.close();
    } else {
      step.fence(lease);
    }
  }

  private void feedBack(Sequence sequence, FinishReason reason, long now) {
    LengthPrediction prediction = sequence.predictionIfKnown();
    int used = sequence.outputSlots();
    if (prediction == null || used == 0 || reason == FinishReason.FAILED) {
      return;
    }
    Phases phases = sequence.phasesApart();
    LengthFeedback whole =
        new LengthFeedback(sequence.spec().query(), prediction, used, reason.censored());
    state.predictions.observe(
        whole,
        phases == null ? List.of(whole) : phases.feedback(used, reason.censored()),
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
        drifting ? "have become worse" : "are normal again",
        coverage,
        error);
    state.publish(() -> new EngineEvent.PredictionDrift(now, drifting, coverage, error));
  }
}
