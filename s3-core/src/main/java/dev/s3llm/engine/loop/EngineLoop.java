package dev.s3llm.engine.loop;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.Decision;
import dev.s3llm.engine.plan.StepPlan;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The engine's state machine. It owns all state ({@link EngineState}) and is its only writer; other
 * threads reach it through {@link #submit}, {@link #cancel}, {@link #cancelAll}, {@link #inspect}
 * and {@link #failStuck}, which only queue.
 *
 * <p>One pass of {@link #step} takes in what was queued, applies the step that completed, ends what
 * is past its deadline, and launches the next step if none is in flight. While a step is in flight
 * its successor is drafted on the assumption that every sampled token continues its sequence. If
 * that holds and nothing else changed, the draft is launched as it is; otherwise the plan is made
 * anew. So planning overlaps execution, and yet the decisions are those of a loop that does not
 * overlap: given the same times, parts and inputs, they are the same, bit by bit.
 *
 * <p>Memory that a step in flight may touch is not given back before the step is over: such leases
 * wait in {@link StepInFlight#fenced}.
 *
 * <p>{@code step}, {@code fail} and the queries are for one thread at a time, the runner's or a
 * test's.
 */
public final class EngineLoop {
  private final EngineState state;
  private final Inbox inbox;
  private final SequenceFinisher finisher;
  private final Intake intake;
  private final PredictionRefresher refresher;
  private final Inspections inspections;
  private final StepLauncher launcher;
  private final StepResults results;
  private final Heartbeat heartbeat = new Heartbeat();
  private final AtomicLong nextId = new AtomicLong();
  private volatile EngineSnapshot snapshot;

  /**
   * Creates a loop.
   *
   * @param parts what it composes
   * @param wake called, from any thread, when there is something to do
   */
  public EngineLoop(EngineParts parts, Runnable wake) {
    this.state = new EngineState(parts);
    this.inbox = new Inbox(wake);
    this.finisher = new SequenceFinisher(state);
    this.refresher = new PredictionRefresher(state);
    this.intake = new Intake(state, finisher, refresher, inbox);
    this.inspections = new Inspections(state, inbox);
    this.launcher = new StepLauncher(state);
    this.results = new StepResults(state, finisher);
    this.snapshot = Snapshots.of(state);
  }

  // ---- from any thread

  /** Returns an id for {@link #submit}, above all earlier ones. */
  public long nextSequenceId() {
    return nextId.getAndIncrement();
  }

  /**
   * Queues a request.
   *
   * @param sequenceId from {@link #nextSequenceId}; names the request in {@link #cancel}
   * @param spec the request
   */
  public void submit(long sequenceId, SequenceSpec spec) {
    Sequence sequence = new Sequence(sequenceId, spec);
    if (state.profile.growth() == ExecutorProfile.KvGrowth.FIXED_CANVAS) {
      sequence.limitPreemptions(0); // its KV is reserved whole at admission
    }
    inbox.add(now -> intake.accept(sequence, now));
  }

  /**
   * Queues the cancellation of a request. A request that has ended, or was never submitted, is
   * ignored.
   */
  public void cancel(long sequenceId) {
    inbox.add(now -> cancelLive(sequenceId, now));
  }

  private void cancelLive(long sequenceId, long now) {
    Sequence sequence = state.live.get(sequenceId);
    if (sequence != null) {
      finisher.end(sequence, FinishReason.CANCELLED, null, now);
    }
  }

  /** Counts and logs what a callback of a request threw; from any thread. */
  public void reportCallbackFailure(Throwable thrown) {
    state.events.failed("a subscriber", thrown);
  }

  /** Queues the cancellation of every live request. */
  public void cancelAll() {
    inbox.add(now -> finisher.endAll(FinishReason.CANCELLED, null, now));
  }

  /** Asks for a picture of who holds what; the loop takes it in its next pass. */
  public CompletableFuture<EngineInspection> inspect() {
    return inspections.ask();
  }

  /** Fails what was asked of a loop that makes no pass any more, and what will be. */
  public void endInspections(Throwable cause) {
    inspections.end(cause);
  }

  /** Queues the failure of every live request, because the engine is stuck. */
  public void failStuck(Throwable cause) {
    Failure failure = new Failure(Failure.Kind.STUCK, cause);
    inbox.add(now -> finisher.failAll(failure, now));
  }

  /** Tells listeners what others than the loop have found out. */
  public void publish(EngineEvent event) {
    state.publish(() -> event);
  }

  /** Whether something was queued that no pass has taken in. */
  public boolean queued() {
    return !inbox.isEmpty();
  }

  public Heartbeat heartbeat() {
    return heartbeat;
  }

  /** The thread on which the executor runs steps, if it says. */
  public Optional<Thread> stepThread() {
    return state.parts.executor().stepThread();
  }

  /** The state after the latest pass. */
  public EngineSnapshot snapshot() {
    return snapshot;
  }

  // ---- from the loop's thread

  /**
   * One pass.
   *
   * @param now the clock, in nanoseconds
   * @return how much was done; 0 means that nothing will happen before something is queued or
   *     {@link #nextAlarmNanos} comes
   */
  public int step(long now) {
    heartbeat.passBegins();
    try {
      return pass(now);
    } finally {
      heartbeat.passEnds();
    }
  }

  private int pass(long now) {
    int work = inbox.takeIn(now) + intake.ring(now);
    if (state.inFlight == null && state.lost == null) {
      work += launchNext(now);
    }
    if (work > 0) {
      snapshot = Snapshots.of(state);
    }
    return work;
  }

  /** When the next deadline or prediction budget runs out; {@link Long#MAX_VALUE} if none does. */
  public long nextAlarmNanos() {
    return intake.nextAlarmNanos();
  }

  /** Whether no request is live, nothing is queued, and no step is in flight. */
  public boolean idle() {
    return state.live.isEmpty() && inbox.isEmpty() && state.inFlight == null;
  }

  /** Whether a step is in flight. */
  public boolean stepInFlight() {
    return state.inFlight != null;
  }

  /**
   * Ends the engine: every live request fails with this cause, and no step is launched any more.
   */
  public void fail(Throwable cause, long now) {
    if (state.lost == null) {
      state.lost = cause;
      snapshot = Snapshots.of(state); // whoever hears of a failure finds the engine unhealthy
      state.publish(() -> new EngineEvent.EngineLost(now, cause));
    }
    finisher.failAll(new Failure(Failure.Kind.LOST, cause), now);
    snapshot = Snapshots.of(state);
  }

  /** What the loop owns, for the oracle of the tests. */
  EngineState state() {
    return state;
  }

  private int launchNext(long now) {
    StepPlan plan = state.draft.plan();
    if (!state.draft.take()) {
      refresher.refresh();
      state.planBuilder.build(plan);
    }
    reportDeferral(plan.deferral(), now);
    if (plan.isEmpty()) {
      return 0;
    }
    execute(launcher.launch(plan, now));
    draft();
    return 1;
  }

  private void execute(StepBatch batch) {
    heartbeat.stepLaunched();
    long step = batch.step();
    try {
      CompletionStage<StepResult> stage = state.parts.executor().execute(batch);
      stage.whenComplete((result, error) -> inbox.add(at -> stepDone(step, result, error, at)));
    } catch (Throwable e) { // the executor is foreign code
      inbox.add(at -> stepDone(step, null, e, at));
    }
  }

  /** Plans the step after the one in flight, unless an end is certain. */
  private void draft() {
    for (Sequence sequence : state.running) {
      if (sequence.generatedTokens() >= sequence.maxNewTokens()) {
        return;
      }
    }
    state.planBuilder.build(state.draft.plan());
    state.draft.made();
  }

  private void stepDone(
      long number, @Nullable StepResult result, @Nullable Throwable thrown, long now) {
    StepInFlight step = state.inFlight;
    if (step == null || step.step != number) {
      state.counters.ignoredCompletions++;
      return;
    }
    state.inFlight = null;
    heartbeat.stepOver();
    Throwable error = results.apply(step, result, thrown, now);
    if (error instanceof ExecutorLostException) {
      fail(error, now);
    }
  }

  private void reportDeferral(Decision.@Nullable Defer deferral, long now) {
    if (deferral == null) {
      state.lastDeferred = null;
      return;
    }
    Sequence deferred = deferral.sequence();
    deferred.history().deferred(deferral.reason());
    if (deferred != state.lastDeferred) {
      state.publish(
          () ->
              new EngineEvent.Deferred(
                  now,
                  deferred.requestId(),
                  deferral.neededBlocks(),
                  deferral.availableBlocks(),
                  deferral.reason()));
    }
    state.lastDeferred = deferred;
  }
}
