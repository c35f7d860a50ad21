package dev.s3llm.engine;

import dev.s3llm.execute.BlockCopy;
import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.KvBlockPool;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.Supervisor;
import dev.s3llm.schedule.Decision;
import dev.s3llm.schedule.PreemptionMode;
import dev.s3llm.schedule.StepPlan;
import dev.s3llm.schedule.WaitingQueue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The engine's state machine. It owns all state and is its only writer; other threads reach it
 * through {@link #submit}, {@link #cancel} and {@link #cancelAll}, which only queue.
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
  private final EngineParts parts;
  private final ExecutorProfile profile;
  private final KvBlockPool device;
  private final KvBlockPool host;
  private final WaitingQueue waiting;
  private final List<Sequence> running = new ArrayList<>();
  private final Map<Long, Sequence> live = new LinkedHashMap<>();
  private final PriorityQueue<Alarm> alarms = new PriorityQueue<>(Alarm.BY_TIME);
  private final Queue<Command> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicLong nextId = new AtomicLong();
  private final EmpiricalLengthPredictor fallback = new EmpiricalLengthPredictor();
  private final Supervisor supervisor = new Supervisor();
  private final Counters counters = new Counters();
  private final EventBus events;
  private final PlanBuilder planBuilder;
  private final Runnable wake;

  private StepPlan plan = new StepPlan();
  private boolean drafted;
  private @Nullable StepInFlight inFlight;
  private @Nullable Throwable lost;
  private @Nullable Sequence lastDeferred;
  private volatile EngineSnapshot snapshot;

  /**
   * Creates a loop.
   *
   * @param parts what it composes
   * @param wake called, from any thread, when there is something to do
   */
  public EngineLoop(EngineParts parts, Runnable wake) {
    this.parts = parts;
    this.wake = wake;
    this.profile = parts.executor().profile();
    this.device = new KvBlockPool(profile.blockCount());
    this.host = new KvBlockPool(profile.hostBlockCount());
    this.waiting = new WaitingQueue(parts.order());
    this.events = new EventBus(parts.listeners(), parts.callbacks(), parts.eventBuffer());
    this.planBuilder = new PlanBuilder(parts, device, host, waiting, running);
    this.snapshot = takeSnapshot();
  }

  // ---- from any thread

  /** Queues a request; the result identifies it for {@link #cancel}. */
  public Object submit(SequenceSpec spec) {
    boolean fixedCanvas = profile.growth() == KvGrowth.FIXED_CANVAS;
    Sequence sequence = new Sequence(nextId.getAndIncrement(), spec, fixedCanvas);
    enqueue(now -> admitToEngine(sequence, now));
    return sequence;
  }

  /** Queues the cancellation of a request that {@link #submit} returned. */
  public void cancel(Object sequence) {
    enqueue(now -> end((Sequence) sequence, FinishReason.CANCELLED, null, now));
  }

  /** Queues the cancellation of every live request. */
  public void cancelAll() {
    enqueue(
        now -> List.copyOf(live.values()).forEach(s -> end(s, FinishReason.CANCELLED, null, now)));
  }

  /** The state after the latest pass. */
  public EngineSnapshot snapshot() {
    return snapshot;
  }

  private void enqueue(Command command) {
    inbox.add(command);
    wake.run();
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
    int work = takeIn(now) + ring(now);
    if (inFlight == null && lost == null) {
      work += launchNext(now);
    }
    if (work > 0) {
      snapshot = takeSnapshot();
    }
    return work;
  }

  /** When the next deadline or prediction budget runs out; {@link Long#MAX_VALUE} if none does. */
  public long nextAlarmNanos() {
    Alarm next = alarms.peek();
    return next == null ? Long.MAX_VALUE : next.nanos;
  }

  /** Whether no request is live, nothing is queued, and no step is in flight. */
  public boolean idle() {
    return live.isEmpty() && inbox.isEmpty() && inFlight == null;
  }

  /** Whether a step is in flight. */
  public boolean stepInFlight() {
    return inFlight != null;
  }

  /**
   * Ends the engine: every live request fails with this cause, and no step is launched any more.
   */
  public void fail(Throwable cause, long now) {
    if (lost == null) {
      lost = cause;
      publish(() -> new EngineEvent.EngineLost(now, cause));
    }
    List.copyOf(live.values()).forEach(s -> end(s, FinishReason.FAILED, cause, now));
    snapshot = takeSnapshot();
  }

  // ---- commands

  private int takeIn(long now) {
    int work = 0;
    Command command;
    while ((command = inbox.poll()) != null) {
      work++;
      command.run(now);
    }
    return work;
  }

  private void admitToEngine(Sequence sequence, long now) {
    counters.submitted++;
    live.put(sequence.sequenceId(), sequence);
    if (lost != null) {
      end(sequence, FinishReason.FAILED, lost, now);
      return;
    }
    if (sequence.spec().deadlineNanos() != Long.MAX_VALUE) {
      alarms.add(new Alarm(sequence.spec().deadlineNanos(), sequence, Alarm.Kind.DEADLINE));
    }
    predict(sequence, now);
  }

  private void predict(Sequence sequence, long now) {
    try {
      CompletionStage<LengthPrediction> stage = parts.predictor().predict(sequence.spec().query());
      var future = stage.toCompletableFuture();
      if (future.isDone()) {
        join(sequence, future.isCompletedExceptionally() ? null : future.join(), now);
        return;
      }
      long late = now + parts.predictionBudgetNanos();
      alarms.add(new Alarm(late, sequence, Alarm.Kind.PREDICTION));
      stage.whenComplete((answer, error) -> enqueue(at -> predicted(sequence, answer, at)));
    } catch (RuntimeException e) {
      join(sequence, null, now);
    }
  }

  private void predicted(Sequence sequence, @Nullable LengthPrediction answer, long now) {
    if (sequence.state == SequenceState.PREDICTING) {
      join(sequence, answer, now);
    }
  }

  /** Lets a sequence join the waiting queue with its prediction, or the fallback's. */
  private void join(Sequence sequence, @Nullable LengthPrediction answer, long now) {
    boolean failed = answer == null;
    if (failed) {
      counters.predictorFallbacks++;
    }
    LengthPrediction prediction =
        answer == null ? fallback.predictNow(sequence.spec().query()) : answer;
    sequence.prediction = prediction.cappedAt(sequence.maxNewTokens());
    sequence.state = SequenceState.WAITING;
    enterQueue(sequence);
    publish(
        () ->
            new EngineEvent.Queued(now, sequence.requestId(), sequence.knownPrediction(), failed));
  }

  private void enterQueue(Sequence sequence) {
    waiting.add(sequence, planBuilder.admissionBlocks(sequence), sequence.age);
    drafted = false;
  }

  private int ring(long now) {
    int work = 0;
    Alarm alarm;
    while ((alarm = alarms.peek()) != null && alarm.nanos <= now) {
      alarms.remove();
      Sequence sequence = alarm.sequence;
      if (alarm.kind == Alarm.Kind.DEADLINE && !sequence.ended()) {
        end(sequence, FinishReason.TIMEOUT, null, now);
        work++;
      } else if (sequence.state == SequenceState.PREDICTING) {
        join(sequence, null, now);
        work++;
      }
    }
    return work;
  }

  // ---- launching

  private int launchNext(long now) {
    if (!drafted) {
      planBuilder.build(plan);
    }
    drafted = false;
    tellDeferral(now);
    if (plan.isEmpty()) {
      return 0;
    }
    launch(now);
    draft();
    return 1;
  }

  /** Plans the step after the one in flight, unless an end is certain. */
  private void draft() {
    if (inFlight == null) {
      return;
    }
    for (Sequence sequence : running) {
      if (sequence.generatedTokens() >= sequence.maxNewTokens()) {
        return;
      }
    }
    planBuilder.build(plan);
    drafted = true;
  }

  private void launch(long now) {
    StepInFlight step = new StepInFlight(counters.steps++, now);
    List<BlockCopy> swapOuts = new ArrayList<>();
    List<BlockCopy> swapIns = new ArrayList<>();
    plan.preemptions().forEach(p -> preempt(p, step, swapOuts, now));
    plan.growths().forEach(g -> grow(g, now));
    plan.admissions().forEach(a -> admit(a, step, swapIns, now));
    List<SequenceStep> sequences = new ArrayList<>(plan.work().size());
    for (int i = 0; i < plan.work().size(); i++) {
      Sequence sequence = (Sequence) plan.work().get(i);
      sequence.launched(plan.workTokens(i));
      sequence.device().allocateTo(profile.blocksFor(sequence.kvTokens()));
      step.sequences.add(sequence);
      step.newTokens += plan.workTokens(i);
      sequences.add(sequence);
    }
    inFlight = step;
    submitToExecutor(new StepBatch(step.step, sequences, swapOuts, swapIns));
  }

  private void submitToExecutor(StepBatch batch) {
    try {
      parts
          .executor()
          .execute(batch)
          .whenComplete(
              (result, error) -> enqueue(at -> stepDone(batch.step(), result, error, at)));
    } catch (RuntimeException e) {
      enqueue(at -> stepDone(batch.step(), null, e, at));
    }
  }

  private void preempt(
      Decision.Preempt decision, StepInFlight step, List<BlockCopy> swapOuts, long now) {
    Sequence victim = (Sequence) decision.sequence();
    int kvTokens = victim.kvTokens();
    boolean swap = decision.mode() == PreemptionMode.SWAP && kvTokens > 0;
    counters.preemptions++;
    if (decision.outgrown() == victim) {
      counters.outgrown++;
    }
    if (swap) {
      copyOut(victim, profile.blocksFor(kvTokens), swapOuts);
      step.swappedOut.add(victim);
      counters.swappedTokens += kvTokens;
    } else {
      counters.recomputedTokens += kvTokens;
    }
    victim.preempted(victim.reservedBlocks() * profile.blockTokens(), swap);
    victim.device().close(); // copies out come before writes within a step
    victim.deviceLease = null;
    running.remove(victim);
    enterQueue(victim);
    publish(
        () ->
            new EngineEvent.Preempted(
                now,
                victim.requestId(),
                swap ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE,
                kvTokens,
                decision.outgrown().requestId(),
                decision.reason()));
  }

  private void copyOut(Sequence victim, int blocks, List<BlockCopy> swapOuts) {
    KvBlockPool.Lease lease = host.open(victim.sequenceId());
    lease.reserve(blocks);
    lease.allocateTo(blocks);
    for (int i = 0; i < blocks; i++) {
      swapOuts.add(new BlockCopy(victim.sequenceId(), victim.device().block(i), lease.block(i)));
    }
    victim.hostLease = lease;
  }

  private void grow(Decision.Grow decision, long now) {
    Sequence sequence = (Sequence) decision.sequence();
    sequence.device().reserve(decision.reservedBlocks());
    counters.outgrown++;
    publish(
        () ->
            new EngineEvent.Grown(
                now, sequence.requestId(), decision.reservedBlocks(), decision.reason()));
  }

  private void admit(
      Decision.Admit decision, StepInFlight step, List<BlockCopy> swapIns, long now) {
    Sequence sequence = (Sequence) decision.sequence();
    sequence.age = waiting.removeAdmitted(sequence);
    KvBlockPool.Lease lease = device.open(sequence.sequenceId());
    lease.reserve(decision.reservedBlocks());
    sequence.deviceLease = lease;
    if (profile.growth() == KvGrowth.FIXED_CANVAS) {
      lease.allocateTo(decision.reservedBlocks());
    }
    int restored = sequence.swappedTokens();
    KvBlockPool.Lease stored = sequence.hostLease;
    if (stored != null) {
      int blocks = profile.blocksFor(restored);
      lease.allocateTo(blocks);
      for (int i = 0; i < blocks; i++) {
        swapIns.add(new BlockCopy(sequence.sequenceId(), lease.block(i), stored.block(i)));
      }
      step.fenced.add(stored);
      sequence.hostLease = null;
    }
    sequence.admitted(now, decision.reservedBlocks() * profile.blockTokens());
    running.add(sequence);
    publish(
        () ->
            new EngineEvent.Admitted(
                now, sequence.requestId(), decision.reservedBlocks(), restored, decision.reason()));
  }

  private void tellDeferral(long now) {
    Decision.Defer deferral = plan.deferral();
    Sequence deferred = deferral == null ? null : (Sequence) deferral.sequence();
    if (deferral != null && deferred != lastDeferred) {
      publish(
          () ->
              new EngineEvent.Deferred(
                  now,
                  deferral.sequence().requestId(),
                  deferral.neededBlocks(),
                  deferral.availableBlocks(),
                  deferral.reason()));
    }
    lastDeferred = deferred;
  }

  // ---- completing

  private void stepDone(
      long number, @Nullable StepResult result, @Nullable Throwable thrown, long now) {
    StepInFlight step = inFlight;
    if (step == null || step.step != number) {
      counters.ignoredCompletions++;
      return;
    }
    inFlight = null;
    Throwable error = thrown;
    String violation =
        result == null ? null : StepProtocol.violation(step, result, profile.vocabularySize());
    if (error == null && violation != null) {
      error = new IllegalStateException("executor broke its protocol: " + violation);
    }
    if (error != null || result == null) {
      stepFailed(step, error == null ? new IllegalStateException("no result") : error, now);
    } else {
      apply(step, result, now);
    }
    step.releaseFenced();
  }

  private void apply(StepInFlight step, StepResult result, long now) {
    for (int i = 0; i < step.sequences.size(); i++) {
      Sequence sequence = step.sequences.get(i);
      Throwable failure = result.failures().isEmpty() ? null : result.failures().get(i);
      if (sequence.ended()) {
        continue;
      }
      if (failure != null) {
        end(sequence, FinishReason.FAILED, failure, now);
      } else if (sequence.samples()) {
        deliver(sequence, result.tokens()[i], now);
      }
    }
    publish(
        () ->
            new EngineEvent.StepCompleted(
                now, step.step, step.sequences.size(), step.newTokens, now - step.launchedNanos));
  }

  private void deliver(Sequence sequence, int token, long now) {
    sequence.append(token, now);
    counters.outputTokens++;
    try {
      sequence.spec().sink().onToken(token);
    } catch (RuntimeException e) {
      counters.sinkFailures++;
      end(sequence, FinishReason.FAILED, e, now);
      return;
    }
    if (sequence.isStop(token)) {
      end(sequence, FinishReason.STOP, null, now);
    } else if (sequence.generatedForSure() >= sequence.maxNewTokens()) {
      end(sequence, FinishReason.LENGTH, null, now);
    }
  }

  private void stepFailed(StepInFlight step, Throwable error, long now) {
    Throwable cause = error instanceof CompletionException ? unwrap(error) : error;
    drafted = false;
    publish(() -> new EngineEvent.StepFailed(now, step.step, cause));
    for (Sequence sequence : step.sequences) {
      end(sequence, FinishReason.FAILED, cause, now);
    }
    for (Sequence sequence : step.swappedOut) {
      if (!sequence.ended() && sequence.hostLease != null) {
        counters.recomputedTokens += sequence.swappedTokens();
        sequence.hostLease.close();
        sequence.hostLease = null;
        sequence.dropSwapped();
      }
    }
    if (cause instanceof ExecutorLostException) {
      fail(cause, now);
    }
  }

  private static Throwable unwrap(Throwable error) {
    return error.getCause() == null ? error : error.getCause();
  }

  // ---- ending

  /** Ends a sequence wherever it is. Does nothing if it has ended. */
  private void end(Sequence sequence, FinishReason reason, @Nullable Throwable cause, long now) {
    if (sequence.ended() || !live.containsKey(sequence.sequenceId())) {
      return;
    }
    drafted = false;
    switch (sequence.state) {
      case WAITING -> waiting.remove(sequence);
      case RUNNING -> running.remove(sequence);
      case PREDICTING, ENDED -> {}
    }
    sequence.state = SequenceState.ENDED;
    live.remove(sequence.sequenceId());
    if (lastDeferred == sequence) {
      lastDeferred = null;
    }
    release(sequence);
    counters.ended(reason);
    feedBack(sequence, reason);
    try {
      sequence.spec().sink().onEnd(sequence.outcome(reason, cause, now));
    } catch (RuntimeException e) {
      counters.sinkFailures++;
    }
    int generated = sequence.generatedForSure();
    publish(() -> new EngineEvent.Ended(now, sequence.requestId(), reason, generated));
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
    if (inFlight == null) {
      lease.close();
    } else {
      inFlight.fenced.add(lease);
    }
  }

  private void feedBack(Sequence sequence, FinishReason reason) {
    LengthPrediction prediction = sequence.prediction;
    int generated = sequence.generatedForSure();
    if (prediction == null || generated == 0 || reason == FinishReason.FAILED) {
      return;
    }
    supervisor.observe(
        new LengthFeedback(sequence.spec().query(), prediction, generated, reason.censored()),
        parts.predictor(),
        fallback);
  }

  // ---- observing

  private void publish(Supplier<EngineEvent> event) {
    if (events.active()) {
      events.publish(event.get());
    }
  }

  private EngineSnapshot takeSnapshot() {
    return new EngineSnapshot(
        lost == null,
        waiting.size(),
        live.size() - waiting.size() - running.size(),
        running.size(),
        device.capacity(),
        device.reserved(),
        device.allocated(),
        host.capacity(),
        host.allocated(),
        counters.submitted,
        counters.count(FinishReason.STOP),
        counters.count(FinishReason.LENGTH),
        counters.count(FinishReason.CANCELLED),
        counters.count(FinishReason.TIMEOUT),
        counters.count(FinishReason.FAILED),
        counters.steps,
        counters.outputTokens,
        counters.preemptions,
        counters.recomputedTokens,
        counters.swappedTokens,
        counters.outgrown,
        counters.predictorFallbacks,
        counters.ignoredCompletions,
        counters.sinkFailures + events.failures(),
        events.dropped(),
        supervisor.coverageOfP90());
  }

  // ---- for the oracle (tests)

  KvBlockPool devicePool() {
    return device;
  }

  int blockTokens() {
    return profile.blockTokens();
  }

  KvBlockPool hostPool() {
    return host;
  }

  WaitingQueue waitingQueue() {
    return waiting;
  }

  List<Sequence> runningSequences() {
    return running;
  }

  Map<Long, Sequence> liveSequences() {
    return live;
  }

  @Nullable StepInFlight currentStep() {
    return inFlight;
  }

  /** What other threads ask of the loop. */
  private interface Command {
    void run(long now);
  }

  /** A point in time at which a sequence needs attention. */
  private record Alarm(long nanos, Sequence sequence, Kind kind) {
    static final Comparator<Alarm> BY_TIME =
        Comparator.comparingLong(Alarm::nanos).thenComparingLong(a -> a.sequence.sequenceId());

    enum Kind {
      DEADLINE,
      PREDICTION
    }
  }
}
