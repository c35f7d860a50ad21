package dev.s3llm.engine.loop;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.feedback.GuardedPredictor;
import dev.s3llm.engine.feedback.LatencyEstimator;
import dev.s3llm.engine.feedback.PredictionMonitor;
import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.engine.plan.PlanBuilder;
import dev.s3llm.engine.plan.TenantQueues;
import dev.s3llm.engine.plan.TokenTimeGuard;
import dev.s3llm.engine.record.EventBus;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.support.CallbackGuard;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the loop owns: sequences and where they are, the pools, the counters. The classes that work
 * on it ({@link Intake}, {@link StepLauncher}, {@link StepResults}, {@link SequenceFinisher}) have
 * no state of their own that outlives a pass. Only the loop's thread uses it; other threads may
 * read the parts, which never change, and publish events.
 */
final class EngineState {
  final EngineParts parts;
  final ExecutorProfile profile;
  final KvBlockPool device;
  final KvBlockPool host;
  final TenantQueues<Sequence> waiting;
  final List<Sequence> running = new ArrayList<>();
  final Map<Long, Sequence> live = new LinkedHashMap<>();
  final Alarms alarms = new Alarms();
  final Counters counters = new Counters();
  final Draft draft = new Draft();
  final PlanBuilder planBuilder;
  final CallbackGuard callbacks;
  final EventBus events;

  final GuardedPredictor predictor;
  final EmpiricalLengthPredictor fallback = new EmpiricalLengthPredictor();
  final PredictionMonitor predictions = new PredictionMonitor();

  @Nullable StepInFlight inFlight;

  /** The latest step, until planner and models have learned from it. */
  @Nullable FinishedStep unreported;

  /** What the engine is lost to, or null while it can go on. */
  @Nullable Throwable lost;

  /** The sequence of the latest deferral, so that each is published once. */
  @Nullable Sequence lastDeferred;

  private final StepTimeModel stepTime = new StepTimeModel();
  private final LatencyEstimator latency;

  EngineState(EngineParts parts) {
    this.parts = parts;
    this.profile = parts.executor().profile();
    this.device = new KvBlockPool(profile.blockCount());
    this.host = new KvBlockPool(profile.hostBlockCount());
    this.waiting = new TenantQueues<>(parts.policy(), parts.tenantWeights());
    this.callbacks = new CallbackGuard(parts.events().callbacks());
    this.events = new EventBus(parts.events().listeners(), callbacks, parts.events().buffer());
    this.predictor = new GuardedPredictor(parts.predictor());
    this.latency = new LatencyEstimator(parts.limits().maxTokensPerStep(), stepTime);
    TokenTimeGuard tokenTime = new TokenTimeGuard(parts.limits().tokenTimeNanos(), stepTime);
    this.planBuilder = new PlanBuilder(parts, device, host, waiting, running, tokenTime);
  }

  /** Adds a sequence to the waiting queue, for the first time or again. */
  void enterQueue(Sequence sequence) {
    waiting.add(sequence, planBuilder.admissionBlocks(sequence), sequence.queueAge());
    sequence.queued();
    draft.invalidate();
  }

  /** Reports the cost of the latest step, once, to the planner and the models of the step time. */
  void reportStepCost() {
    FinishedStep finished = unreported;
    if (finished == null) {
      return;
    }
    unreported = null;
    parts.planner().stepCompleted(finished.cost());
    StepInFlight step = finished.step();
    if (!step.sequences.isEmpty()) {
      long nanos = finished.cost().nanos();
      stepTime.observe(step.decodes, step.newTokens - step.decodes, step.kvTokens, nanos);
      latency.learn(finished.cost().producedTokens(), nanos);
    }
  }

  /** Returns what a sequence that has just joined the queue can expect; null if not known yet. */
  @Nullable LatencyEstimate estimate(Sequence sequence, long now) {
    long kvTokens = (long) device.allocated() * profile.blockTokens();
    return latency.estimate(
        sequence,
        waiting.expectedTokensBefore(sequence),
        running.size(),
        kvTokens,
        Math.max(0, now - sequence.spec().times().arrivalNanos()));
  }

  /** Publishes an event, which is made only if there are listeners. */
  void publish(Supplier<EngineEvent> event) {
    if (events.active()) {
      events.publish(event.get());
    }
  }
}
