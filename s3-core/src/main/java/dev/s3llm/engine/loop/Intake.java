package dev.s3llm.engine.loop;

import dev.s3llm.engine.constraint.ConstraintProgress;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.Phases;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceState;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.predict.LengthPrediction;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The admission of new sequences to the waiting queue: each gets its prediction first, or the
 * fallback's if the predictor fails or is late. Sets and handles the alarms of predictions and
 * deadlines.
 */
final class Intake {
  private final EngineState state;
  private final SequenceFinisher finisher;
  private final PredictionRefresher refresher;
  private final Inbox inbox;
  private final MaskMaker masks;

  Intake(
      EngineState state,
      SequenceFinisher finisher,
      PredictionRefresher refresher,
      Inbox inbox,
      MaskMaker masks) {
    this.state = state;
    this.finisher = finisher;
    this.refresher = refresher;
    this.inbox = inbox;
    this.masks = masks;
  }

  /** Accepts a new sequence and requests its prediction. */
  void accept(Sequence sequence, long now) {
    state.counters.accepted(sequence);
    state.live.put(sequence.sequenceId(), sequence);
    state.prefixes.enter(sequence);
    if (state.lost != null) {
      finisher.end(sequence, FinishReason.FAILED, new Failure(Failure.Kind.LOST, state.lost), now);
      return;
    }
    if (sequence.spec().times().deadlineNanos() != Long.MAX_VALUE) {
      state.alarms.set(sequence.spec().times().deadlineNanos(), sequence, Alarms.Kind.DEADLINE);
    }
    masks.request(sequence, now);
    if (!sequence.ended()) {
      predict(sequence, now);
    }
  }

  /** Returns the time of the next alarm; {@link Long#MAX_VALUE} if there is none. */
  long nextAlarmNanos() {
    return state.alarms.nextNanos();
  }

  /** Handles the alarms that are due; returns their number. */
  int handleDueAlarms(long now) {
    int work = 0;
    Alarms.Alarm alarm;
    while ((alarm = state.alarms.pollDue(now)) != null) {
      work++;
      switch (alarm.kind()) {
        case DEADLINE -> finisher.end(alarm.sequence(), FinishReason.TIMEOUT, null, now);
        case PREDICTION -> join(alarm.sequence(), null, now);
        case MASK -> masks.check(alarm.sequence(), now);
      }
    }
    return work;
  }

  private void predict(Sequence sequence, long now) {
    CompletableFuture<Phases.Lengths> future = requested(sequence);
    if (future.isDone()) {
      join(sequence, future.isCompletedExceptionally() ? null : future.join(), now);
      return;
    }
    long budget = state.parts.limits().predictionBudgetNanos();
    if (now <= Long.MAX_VALUE - budget) { // otherwise it is never late
      state.alarms.set(now + budget, sequence, Alarms.Kind.PREDICTION);
    }
    CompletionStage<Phases.Lengths> stage = future;
    stage.whenComplete((answer, error) -> inbox.add(at -> predicted(sequence, answer, at)));
  }

  private CompletableFuture<Phases.Lengths> requested(Sequence sequence) {
    Phases phases = sequence.phasesApart();
    if (phases == null) {
      return state.predictor.predict(sequence.spec().query()).thenApply(Intake::whole);
    }
    return state
        .predictor
        .predict(phases.thinkingQuery())
        .thenCombine(state.predictor.predict(phases.answerQuery()), Intake::both);
  }

  private static Phases.Lengths whole(LengthPrediction whole) {
    return new Phases.Lengths(null, Objects.requireNonNull(whole, "the prediction is null"));
  }

  private static Phases.Lengths both(LengthPrediction thinking, LengthPrediction answer) {
    return new Phases.Lengths(
        Objects.requireNonNull(thinking, "the prediction of the thinking is null"),
        Objects.requireNonNull(answer, "the prediction of the answer is null"));
  }

  private Phases.Lengths fallback(Sequence sequence) {
    Phases phases = sequence.phasesApart();
    return phases == null
        ? whole(state.fallback.predictNow(sequence.spec().query()))
        : both(
            state.fallback.predictNow(phases.thinkingQuery()),
            state.fallback.predictNow(phases.answerQuery()));
  }

  private void predicted(Sequence sequence, Phases.@Nullable Lengths answer, long now) {
    if (sequence.state() == SequenceState.PREDICTING) {
      join(sequence, answer, now);
    }
  }

  /**
   * Adds a sequence to the waiting queue, with its prediction or, without one, the fallback's; as
   * soon as its first mask is there, if it has a constraint.
   */
  private void join(Sequence sequence, Phases.@Nullable Lengths answer, long now) {
    state.alarms.cancel(sequence, Alarms.Kind.PREDICTION);
    ConstraintProgress constraint = sequence.constraint();
    if (constraint != null && constraint.awaitsMask()) {
      constraint.whenReady(at -> join(sequence, answer, at));
      return;
    }
    boolean failed = answer == null;
    if (failed) {
      state.counters.predictorFallbacks++;
    }
    sequence.setPrediction(answer == null ? fallback(sequence) : answer, refresher.epoch());
    state.enterQueue(sequence);
    RuntimeException refused = reportEstimate(sequence, state.estimate(sequence, now));
    state.publish(
        () ->
            new EngineEvent.Queued(
                now, sequence.requestId(), sequence.prediction(), failed, sequence.asked()));
    if (refused instanceof RequestRefusedException refusedLate) {
      state.refusals.count(sequence.spec().standing().tenant(), refusedLate.reason());
    }
    if (refused != null) {
      Failure refusal = new Failure(Failure.Kind.REFUSED, refused);
      finisher.end(sequence, FinishReason.FAILED, refusal, now);
    }
  }

  /** Reports the estimate; returns why the request refuses to wait that long, or null. */
  private @Nullable RuntimeException reportEstimate(
      Sequence sequence, @Nullable LatencyEstimate estimate) {
    try {
      return sequence.spec().sink().onQueued(estimate);
    } catch (Throwable e) { // the sink is foreign code to the loop
      state.counters.callbackFailures++;
      return null;
    }
  }
}
