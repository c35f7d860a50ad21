package dev.s3llm.engine;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.memory.KvBlockPool;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.memory.StepCost;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.Health;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.Supervisor;
import dev.s3llm.schedule.Candidates;
import dev.s3llm.schedule.TenantQueues;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the loop owns: sequences and where they are, the pools, the counters. The classes that work
 * on it ({@link Intake}, {@link StepLauncher}, {@link StepResults}, {@link Endings}) have no state
 * of their own that outlives a pass. Only the loop's thread touches it; others may read the parts,
 * which never change, and publish events.
 */
final class EngineState {
  /** Waiting sequences that are predicted again before a plan, at most. */
  private static final int MAX_REFRESHED = 8;

  /** Answers that must have ended for it to be worth while. */
  static final int ANSWERS_A_LESSON = 8;

  final EngineParts parts;
  final ExecutorProfile profile;
  final KvBlockPool device;
  final KvBlockPool host;
  final TenantQueues waiting;
  final List<Sequence> running = new ArrayList<>();
  final Map<Long, Sequence> live = new LinkedHashMap<>();
  final Alarms alarms = new Alarms();
  final Supervisor supervisor = new Supervisor();
  final EmpiricalLengthPredictor fallback = new EmpiricalLengthPredictor();
  final Counters counters = new Counters();
  final PlanBuilder planBuilder;

  /** Whether the plan at hand was made for the state as it is, pending tokens assumed. */
  boolean drafted;

  @Nullable StepInFlight inFlight;

  /** What the latest step cost, until planner and guard are told. */
  @Nullable StepCost untoldCost;

  @Nullable StepInFlight untoldStep;

  final StepTimeModel stepTime = new StepTimeModel();
  final LatencyEstimator latency;

  @Nullable Throwable lost;
  @Nullable Sequence lastDeferred;

  private final EventBus events;

  EngineState(EngineParts parts) {
    this.parts = parts;
    this.profile = parts.executor().profile();
    this.device = new KvBlockPool(profile.blockCount());
    this.host = new KvBlockPool(profile.hostBlockCount());
    this.waiting = new TenantQueues(parts.order(), parts.tenantWeights());
    this.events = new EventBus(parts.listeners(), parts.callbacks(), parts.eventBuffer());
    this.latency = new LatencyEstimator(parts.maxTokensPerStep(), stepTime);
    TokenTimeGuard tokenTime = new TokenTimeGuard(parts.tokenTimeNanos(), stepTime);
    this.planBuilder = new PlanBuilder(parts, device, host, waiting, running, tokenTime);
  }

  /** Lets a sequence wait, for the first time or again. */
  void enterQueue(Sequence sequence) {
    waiting.add(sequence, planBuilder.admissionBlocks(sequence), sequence.age);
    sequence.state = SequenceState.WAITING;
    drafted = false;
  }

  /**
   * Learns from a step, when the next one is launched: a draft and a plan made anew know the same.
   */
  void learn(StepInFlight step, StepCost cost) {
    if (!step.sequences.isEmpty()) {
      stepTime.observe(step.decodes, step.newTokens - step.decodes, step.kvTokens, cost.nanos());
      latency.learn(cost.producedTokens(), cost.nanos());
    }
  }

  /** What a sequence that has just joined the queue can expect; null if nothing is known yet. */
  @Nullable LatencyEstimate estimate(Sequence sequence, long now) {
    long kvTokens = (long) device.allocated() * profile.blockTokens();
    return latency.estimate(
        sequence,
        waiting.expectedTokensBefore(sequence),
        running.size(),
        kvTokens,
        Math.max(0, now - sequence.spec().arrivalNanos()));
  }

  /**
   * Predicts again for those that will be admitted next, if answers have ended since they were
   * predicted: a request that waited in a burst profits from what its predecessors taught.
   */
  void refreshPredictions() {
    long lesson = supervisor.observed() / ANSWERS_A_LESSON;
    Candidates candidates = waiting.candidates();
    SequenceView next;
    for (int i = 0; i < MAX_REFRESHED && (next = candidates.next()) != null; i++) {
      Sequence sequence = (Sequence) next;
      if (sequence.lesson != lesson) {
        sequence.lesson = lesson;
        refresh(sequence);
      }
      candidates.admitted();
    }
  }

  private void refresh(Sequence sequence) {
    LengthPrediction earlier = sequence.knownPrediction();
    try {
      LengthPrediction now = parts.predictor().refresh(sequence.spec().query(), earlier);
      if (now != null) {
        sequence.prediction = now.cappedAt(sequence.maxNewTokens());
      }
    } catch (Throwable e) {
      counters.predictorFallbacks++; // the earlier one stays
    }
  }

  /** Tells listeners, if there are any. */
  void publish(Supplier<EngineEvent> event) {
    if (events.active()) {
      events.publish(event.get());
    }
  }

  private Health health() {
    return lost == null ? Health.OK : Health.bad("the engine is lost: " + lost);
  }

  EngineSnapshot snapshot() {
    return new EngineSnapshot(
        health(),
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
}
