package dev.s3llm.engine;

import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.schedule.Decision;
import dev.s3llm.schedule.StepPlan;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
  private final Endings endings;
  private final Intake intake;
  private final Inspections inspections;
  private final StepLauncher launcher;
  private final StepResults results;
  private final StepPlan plan = new StepPlan();
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
    this.endings = new Endings(state);
    this.intake = new Intake(state, endings, inbox);
    this.inspections = new Inspections(state, inbox);
    this.launcher = new StepLauncher(state);
    this.results = new StepResults(state, endings);
    this.snapshot = state.snapshot();
  }

  // ---- from any thread

  /** Queues a request; the result identifies it for {@link #cancel}. */
  public Object submit(SequenceSpec spec) {
    boolean fixedCanvas = state.profile.growth() == KvGrowth.FIXED_CANVAS;
    Sequence sequence = new Sequence(nextId.getAndIncrement(), spec, fixedCanvas);
    inbox.add(now -> intake.accept(sequence, now));
    return sequence;
  }

  /** Queues the cancellation of a request that {@link #submit} returned. */
  public void cancel(Object sequence) {
    inbox.add(now -> endings.end((Sequence) sequence, FinishReason.CANCELLED, null, now));
  }

  /** Queues the cancellation of every live request. */
  public void cancelAll() {
    inbox.add(now -> endings.endAll(FinishReason.CANCELLED, null, now));
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
  void failStuck(Throwable cause) {
    Failure failure = new Failure(Failure.Kind.STUCK, cause);
    inbox.add(now -> endings.failAll(failure, now));
  }

  /** Tells listeners what others than the loop have found out. */
  void publish(EngineEvent event) {
    state.publish(() -> event);
  }

  /** Whether something was queued that no pass has taken in. */
  boolean queued() {
    return !inbox.isEmpty();
  }

  Heartbeat heartbeat() {
    return heartbeat;
  }

  /** The thread on which the executor runs steps, if it says. */
  Optional<Thread> stepThread() {
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
      snapshot = state.snapshot();
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
      snapshot = state.snapshot(); // whoever hears of a failure finds the engine unhealthy
      state.publish(() -> new EngineEvent.EngineLost(now, cause));
    }
    endings.failAll(new Failure(Failure.Kind.LOST, cause), now);
    snapshot = state.snapshot();
  }

  /** What the loop owns, for the oracle of the tests. */
  EngineState state() {
    return state;
  }

  private int launchNext(long now) {
    if (!state.drafted) {
      state.refreshPredictions();
      state.planBuilder.build(plan);
    }
    state.drafted = false;
    tellDeferral(now);
    if (plan.isEmpty()) {
      return 0;
    }
    execute(launcher.launch(plan, now));
    draft();
    return 1;
  }

  private void execute(StepBatch batch) {
    heartbeat.stepLaunched();
    try {
      state
          .parts
          .executor()
          .execute(batch)
          .whenComplete(
              (result, error) -> inbox.add(at -> stepDone(batch.step(), result, error, at)));
    } catch (Throwable e) {
      inbox.add(at -> stepDone(batch.step(), null, e, at));
    }
  }

  /** Plans the step after the one in flight, unless an end is certain. */
  private void draft() {
    for (Sequence sequence : state.running) {
      if (sequence.generatedTokens() >= sequence.maxNewTokens()) {
        return;
      }
    }
    state.planBuilder.build(plan);
    state.drafted = true;
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

  private void tellDeferral(long now) {
    Decision.Defer deferral = plan.deferral();
    Sequence deferred = deferral == null ? null : (Sequence) deferral.sequence();
    if (deferral != null && deferred != null) {
      deferred.history.deferred(deferral.reason());
    }
    if (deferral != null && deferred != state.lastDeferred) {
      state.publish(
          () ->
              new EngineEvent.Deferred(
                  now,
                  deferral.sequence().requestId(),
                  deferral.neededBlocks(),
                  deferral.availableBlocks(),
                  deferral.reason()));
    }
    state.lastDeferred = deferred;
  }
}
