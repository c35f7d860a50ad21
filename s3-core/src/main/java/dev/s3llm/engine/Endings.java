package dev.s3llm.engine;

import dev.s3llm.memory.KvBlockPool;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.Supervisor;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends sequences: takes them from where they are, frees what they hold, tells everybody once. */
final class Endings {
  private static final Logger log = LoggerFactory.getLogger(Endings.class);

  private final EngineState state;

  Endings(EngineState state) {
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
    state.drafted = false;
    state.alarms.cancel(sequence, Alarms.Kind.DEADLINE);
    state.alarms.cancel(sequence, Alarms.Kind.PREDICTION);
    SequenceState before = sequence.state;
    sequence.state = SequenceState.ENDED;
    state.counters.ended(reason);
    try {
      takeOut(sequence, before);
      feedBack(sequence, reason, now);
    } finally {
      boolean waiting = before == SequenceState.WAITING;
      tell(sequence, sequence.outcome(reason, failure, waiting, now), now);
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

  private void tell(Sequence sequence, SequenceOutcome outcome, long now) {
    try {
      sequence.spec().sink().onEnd(outcome);
    } catch (Throwable e) {
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
                outcome.firstTokenNanos()));
  }

  /** Ends every live sequence. */
  void endAll(FinishReason reason, @Nullable Failure failure, long now) {
    List.copyOf(state.live.values()).forEach(s -> end(s, reason, failure, now));
  }

  /** Fails every live sequence, whatever state an error has left the engine in. */
  void failAll(Failure failure, long now) {
    for (Sequence sequence : List.copyOf(state.live.values())) {
      try {
        end(sequence, FinishReason.FAILED, failure, now);
      } catch (Throwable e) {
        log.error("{} could not be ended in order", sequence, e);
      }
    }
  }

  private void release(Sequence sequence) {
    KvBlockPool.Lease deviceLease = sequence.deviceLease;
    KvBlockPool.Lease hostLease = sequence.hostLease;
    if (deviceLease != null) {
      giveBack(deviceLease);
    }
    if (hostLease != null) {
      giveBack(hostLease);
      sequence.hostLease = null;
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
    LengthPrediction prediction = sequence.prediction;
    int generated = sequence.generatedForSure();
    if (prediction == null || generated == 0 || reason == FinishReason.FAILED) {
      return;
    }
    state.supervisor.observe(
        new LengthFeedback(sequence.spec().query(), prediction, generated, reason.censored()),
        state.parts.predictor(),
        state.fallback);
    if (state.supervisor.driftChanged()) {
      tellDrift(now);
    }
  }

  private void tellDrift(long now) {
    Supervisor supervisor = state.supervisor;
    boolean drifting = supervisor.drifting();
    double coverage = supervisor.recentCoverage();
    double error = supervisor.recentErrorTokens();
    log.info(
        "length predictions {}: {} of recent answers within their 90th percentile, error {} tokens",
        drifting ? "miss" : "hold again",
        coverage,
        error);
    state.publish(() -> new EngineEvent.PredictionDrift(now, drifting, coverage, error));
  }
}
