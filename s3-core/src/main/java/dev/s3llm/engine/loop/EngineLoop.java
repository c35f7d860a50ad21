package dev.s3llm.engine.loop;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.constraint.EndingMasks;
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
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The engine's state machine. It owns all state ({@link EngineState}) and is its only writer; other
 * threads reach it through {@link #submit}, {@link #cancel}, {@link #cancelAll}, {@link #inspect}
 * and {@link #failStuck}, which queue commands.
 *
 * <p>One pass, {@link #step(LongSupplier)}, runs the queued commands (the completion of a step is
 * one), handles alarms that are due, and launches the next step if none is in flight. While a step
 * is in flight, the plan of the next one is drafted on the assumption that every sampled token
 * continues its sequence, and that a canvas goes on as the executor said. If that is true and
 * nothing else has changed, the draft is launched; otherwise a new plan is made. So planning
 * overlaps execution, but the decisions are the same as without the overlap: given the same times,
 * parts and inputs, they are equal bit by bit.
 *
 * <p>Memory that a step in flight may use is not released before the step has ended ({@link
 * StepInFlight#fence}).
 *
 * <p>The methods in the section "from the loop's thread" are for one thread at a time, the runner's
 * or a test's.
 */
public final class EngineLoop {
  private final EngineState state;
  private final Inbox inbox;
  private final SequenceFinisher finisher;
  private final Intake intake;
  private final PredictionRefresher refresher;
  private final Inspections inspections;
  private final FeatureReader features;
  private final MaskMaker masks;
  private final EndingMasks endings = new EndingMasks();
  private final StepLauncher launcher;
  private final StepResults results;
  private final Heartbeat heartbeat = new Heartbeat();
  private final AtomicLong nextId = new AtomicLong();

  /**
   * Creates a loop.
   *
   * @param parts the engine's parts
   * @param wake wakes the loop's thread; called on any thread after a command was queued
   */
  public EngineLoop(EngineParts parts, Runnable wake) {
    this.state = new EngineState(parts);
    this.inbox = new Inbox(wake);
    this.finisher = new SequenceFinisher(state);
    this.refresher = new PredictionRefresher(state);
    this.masks = new MaskMaker(state, finisher, inbox);
    this.intake = new Intake(state, finisher, refresher, inbox, masks);
    this.inspections = new Inspections(state, inbox);
    this.features = new FeatureReader(state);
    this.launcher = new StepLauncher(state, features);
    this.results = new StepResults(state, finisher, features, masks);
  }

  // ---- from any thread

  /** Returns an id for {@link #submit}, greater than all earlier ones. */
  public long nextSequenceId() {
    return nextId.getAndIncrement();
  }

  /**
   * Queues a request.
   *
   * @param sequenceId an unused id from {@link #nextSequenceId}
   * @param spec the validated request
   */
  public void submit(long sequenceId, SequenceSpec spec) {
    Sequence sequence = new Sequence(sequenceId, spec, () -> state.nowNanos);
    if (state.profile.growth() == ExecutorProfile.KvGrowth.FIXED_CANVAS) {
      sequence.fixSlots(state.profile.canvasPasses());
    } else {
      sequence.followPhases(state.predictor.predictsParts());
    }
    sequence.sharePrefix(state.prefixOf(spec));
    sequence.constrain(state.profile.vocabularySize(), endings);
    inbox.add(now -> intake.accept(sequence, now));
  }

  /**
   * Queues the cancellation of a request; ignored if the request is not live.
   *
   * @param sequenceId the id with which it was submitted
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

  /** Counts and logs an exception that a callback of a request has thrown. */
  public void reportCallbackFailure(Throwable thrown) {
    state.events.failed("a subscriber", thrown);
  }

  /** Queues the cancellation of every live request. */
  public void cancelAll() {
    inbox.add(now -> finisher.endAll(FinishReason.CANCELLED, null, now));
  }

  /** Queues that the findable blocks of a scope are dropped. */
  public void forgetPrefixes(String scope) {
    inbox.add(
        now -> {
          state.prefixes.dropScope(scope);
          state.draft.invalidate();
        });
  }

  /** Queues an inspection of the engine's memory and queues; see {@code S3Engine.inspect}. */
  public CompletableFuture<EngineInspection> inspect() {
    return inspections.request();
  }

  /** Fails the pending inspection and all later ones, because the loop makes no further pass. */
  public void failInspections(Throwable cause) {
    inspections.failAll(cause);
  }

  /** Queues the failure of every live request, because the engine is stuck. */
  public void failStuck(Throwable cause) {
    Failure failure = new Failure(Failure.Kind.STUCK, cause);
    inbox.add(now -> finisher.failAll(failure, now));
  }

  /**
   * Counts a request that was refused and publishes its event; both on the caller's thread.
   *
   * @param refused the event
   */
  public void refused(EngineEvent.Refused refused) {
    state.refusals.count(refused.request().tenant(), refused.reason());
    publish(refused);
  }

  /** Returns the requests that were refused so far. */
  public EngineSnapshot.Refused refusals() {
    return state.refusals.view();
  }

  /** Publishes an event to the listeners. */
  public void publish(EngineEvent event) {
    state.publish(() -> event);
  }

  /** Returns whether a command is queued. */
  public boolean queued() {
    return !inbox.isEmpty();
  }

  /** Returns the counters that show the loop's progress. */
  public Heartbeat heartbeat() {
    return heartbeat;
  }

  /** Returns the thread on which the executor runs steps, if the executor names it. */
  public Optional<Thread> stepThread() {
    return state.parts.executor().stepThread();
  }

  /** Returns the state after the latest pass. */
  public EngineSnapshot snapshot() {
    return state.snapshot();
  }

  /**
   * Returns the expected time until the requests that wait after the latest pass have started;
   * empty before steps were observed.
   */
  public Optional<Duration> queueWait() {
    return state.queueWait();
  }

  // ---- from the loop's thread

  /**
   * Makes one pass. Reads the clock after it has taken the commands from the inbox, so that the
   * time of the pass is not before the submissions that the pass handles.
   *
   * @param clock the engine's clock, in nanoseconds
   * @return the number of commands, alarms and launches; if 0, a further pass has nothing to do
   *     before a command is queued or {@link #nextAlarmNanos} has come
   */
  public int step(LongSupplier clock) {
    heartbeat.passBegins();
    try {
      return pass(clock);
    } finally {
      heartbeat.passEnds();
    }
  }

  /**
   * Makes one pass at a given time.
   *
   * @param now the engine's time, in nanoseconds
   * @return the number of commands, alarms and launches
   */
  public int step(long now) {
    return step(() -> now);
  }

  private int pass(LongSupplier clock) {
    int work = 0;
    long now;
    do {
      int commands = inbox.queued();
      now = clock.getAsLong();
      state.nowNanos = now;
      inbox.run(commands, now);
      work += commands;
    } while (!inbox.isEmpty());
    work += intake.handleDueAlarms(now);
    if (state.inFlight == null && state.lost == null) {
      trimPrefixes();
      work += launchNext(now);
    }
    if (work > 0) {
      state.publishSnapshot();
    }
    return work;
  }

  private void trimPrefixes() {
    if (state.prefixes.trim()) {
      state.draft.invalidate(); // it may count on what was dropped
    }
  }

  /**
   * Returns the time of the next deadline or late prediction, or of a launch that waits for masks;
   * {@link Long#MAX_VALUE} for none.
   */
  public long nextAlarmNanos() {
    return Math.min(intake.nextAlarmNanos(), masks.patientUntilNanos());
  }

  /** Returns whether no request is live, no command is queued, and no step is in flight. */
  public boolean idle() {
    return state.live.isEmpty() && inbox.isEmpty() && state.inFlight == null;
  }

  /** Returns whether a step is in flight. */
  public boolean stepInFlight() {
    return state.inFlight != null;
  }

  /**
   * Ends the engine: fails every live request, and launches no further step.
   *
   * @param cause why the engine is lost
   * @param now the engine's time, in nanoseconds
   */
  public void fail(Throwable cause, long now) {
    if (state.lost == null) {
      state.lost = cause;
      state.publishSnapshot(); // before the first failure is delivered
      state.publish(() -> new EngineEvent.EngineLost(now, cause));
    }
    finisher.failAll(new Failure(Failure.Kind.LOST, cause), now);
    state.publishSnapshot();
  }

  /** Returns the state, for the checkers of the tests. */
  EngineState state() {
    return state;
  }

  private int launchNext(long now) {
    if (masks.holdsLaunch(now)) {
      return 0;
    }
    boolean late = masks.awaited();
    StepPlan plan = state.draft.plan();
    if (!state.draft.take() || late) { // a draft assumes that the masks are there
      refresher.refresh();
      refresher.reviseRunning();
      state.planBuilder.build(plan);
    }
    state.deferrals.report(plan.deferral(), state, now);
    heartbeat.awaitsMasks(late && plan.isEmpty());
    if (plan.isEmpty()) {
      return 0;
    }
    execute(launcher.launch(plan, now));
    features.applyRevisions(); // now, so that a draft and a plan made again know the same
    state.running.forEach(Sequence::revisePhases);
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

  /** Drafts the step after the one in flight, unless a sequence is certain to end with it. */
  private void draft() {
    for (Sequence sequence : state.running) {
      if (sequence.generatedTokens() >= sequence.maxNewTokens()) {
        return;
      }
    }
    refresher.reviseRunning();
    state.planBuilder.build(state.draft.plan());
    state.draft.markValid();
  }

  private void stepDone(
      long number, @Nullable StepResult result, @Nullable Throwable thrown, long now) {
    StepInFlight step = state.inFlight;
    if (step == null || step.number() != number) {
      state.counters.ignoredCompletions++;
      return;
    }
    state.inFlight = null;
    heartbeat.stepEnded();
    step.endedMeanwhile().forEach(state::released);
    masks.stepEnded(now, now - step.launchedNanos());
    Throwable error = results.apply(step, result, thrown, now);
    if (error instanceof ExecutorLostException) {
      fail(error, now);
    }
  }
}
