package dev.s3llm.engine.loop;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.constraint.ConstraintProgress;
import dev.s3llm.engine.feedback.GuardedPredictor;
import dev.s3llm.engine.feedback.LatencyEstimator;
import dev.s3llm.engine.feedback.PredictionMonitor;
import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.engine.plan.PlanBuilder;
import dev.s3llm.engine.plan.SharedPrefixes;
import dev.s3llm.engine.plan.TenantQueues;
import dev.s3llm.engine.plan.TokenTimeGuard;
import dev.s3llm.engine.prefix.ForgettingOrder;
import dev.s3llm.engine.prefix.PrefixCache;
import dev.s3llm.engine.prefix.StoredBlocks;
import dev.s3llm.engine.record.EventBus;
import dev.s3llm.engine.record.RefusalCounts;
import dev.s3llm.engine.record.TenantNames;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequencePrefix;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.support.CallbackGuard;
import dev.s3llm.support.Guard;
import dev.s3llm.support.Nanos;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop's state: the sequences in their lists and queues, the block pools, the step in flight,
 * the counters. The classes that work on it ({@link Intake}, {@link StepLauncher}, {@link
 * StepResults}, {@link SequenceFinisher}) keep no state between passes. Only the loop's thread uses
 * it, with four exceptions: other threads may read {@link #parts}, which never changes, read what
 * {@link #publishSnapshot} has published, publish events, and count refusals.
 */
final class EngineState {
  private static final Logger log = LoggerFactory.getLogger(EngineState.class);

  final EngineParts parts;
  final ExecutorProfile profile;

  /** The KV blocks on the device. */
  final KvBlockPool device;

  /** The blocks that sequences share. */
  final SharedPrefixes prefixes;

  /** The swap space in host memory. */
  final KvBlockPool host;

  /** All sequences that have not ended, by id. */
  final Map<Long, Sequence> live = new LinkedHashMap<>();

  /** Those in state WAITING. */
  final TenantQueues<Sequence> waiting;

  /** Those in state RUNNING, in order of admission. */
  final List<Sequence> running = new ArrayList<>();

  final Alarms alarms = new Alarms();
  final Counters counters;
  final RefusalCounts refusals;
  final Draft draft = new Draft();
  final DeferralNotices deferrals = new DeferralNotices();
  final StepFeedback feedback;
  final PlanBuilder planBuilder;
  final CallbackGuard callbacks;
  final EventBus events;

  final GuardedPredictor predictor;
  final EmpiricalLengthPredictor fallback = new EmpiricalLengthPredictor();
  final PredictionMonitor predictions = new PredictionMonitor();

  @Nullable StepInFlight inFlight;

  /** Why the engine is lost; null while it can continue. */
  @Nullable Throwable lost;

  /** The time of the loop's present pass, or of the latest one. */
  long nowNanos;

  private final LatencyEstimator latency;
  private volatile EngineSnapshot snapshot;

  /** The expected wait of the queue, in nanoseconds; negative if it is not known. */
  private volatile long queueWaitNanos = -1;

  EngineState(EngineParts parts) {
    this.parts = parts;
    this.profile = parts.executor().profile();
    TenantNames names = new TenantNames(parts.tenantWeights().weights().keySet());
    this.counters = new Counters(names);
    this.refusals = new RefusalCounts(names);
    ForgettingOrder order = parts.prefixes().order().get();
    StoredBlocks stored = storedBlocks();
    PrefixCache cache = prefixCache(order, stored);
    this.device = new KvBlockPool(profile.blockCount(), cache);
    cache.returnBlocksTo(device::reclaim);
    this.prefixes = new SharedPrefixes(device, cache, order, stored);
    this.host = new KvBlockPool(profile.hostBlockCount() - stored.capacity());
    this.waiting = new TenantQueues<>(parts.policy(), parts.tenantWeights());
    this.callbacks = new CallbackGuard(parts.events().callbacks());
    this.events = new EventBus(parts.events().listeners(), callbacks, parts.events().buffer());
    this.predictor = new GuardedPredictor(parts.predictor(), profile.featureWidth());
    StepTimeModel stepTime = new StepTimeModel();
    this.latency = new LatencyEstimator(parts.limits().maxTokensPerStep(), stepTime);
    this.feedback = new StepFeedback(parts.planner(), stepTime, latency);
    TokenTimeGuard tokenTime = new TokenTimeGuard(parts.limits().tokenTimeNanos(), stepTime);
    this.planBuilder =
        new PlanBuilder(parts, device, host, waiting, running, prefixes, tokenTime, stepTime);
    this.snapshot = Snapshots.of(this);
  }

  /** Returns the number of blocks of the swap space that keep forgotten blocks. */
  private int storeRoom() {
    PrefixSharing setting = parts.prefixes().setting();
    RecoveryCosts costs = profile.recoveryCosts();
    double copyBack = costs.swapNanos(1) / 2; // the cost of a swap is that of both ways
    boolean pays = copyBack < costs.recomputeNanos(profile.blockTokens());
    return sharesBlocks() && pays ? (int) (profile.hostBlockCount() * setting.hostShare()) : 0;
  }

  private boolean sharesBlocks() {
    return parts.prefixes().setting().enabled()
        && profile.sharesPrefixes()
        && profile.growth() != ExecutorProfile.KvGrowth.FIXED_CANVAS;
  }

  private StoredBlocks storedBlocks() {
    int room = storeRoom();
    long age = Nanos.of(parts.prefixes().setting().maxAge());
    return new StoredBlocks(profile.hostBlockCount() - room, room, age, () -> nowNanos);
  }

  private PrefixCache prefixCache(ForgettingOrder order, StoredBlocks stored) {
    PrefixSharing setting = parts.prefixes().setting();
    long most = setting.maxKeptTokens() / profile.blockTokens();
    return new PrefixCache(
        order,
        profile.blockCount(),
        profile.blockTokens(),
        (int) Math.min(profile.blockCount(), most),
        Nanos.of(setting.maxAge()),
        () -> nowNanos,
        stored);
  }

  /**
   * Returns a sequence's blocks by their tokens; null if it shares none. For any thread.
   *
   * @param spec the request
   */
  @Nullable SequencePrefix prefixOf(SequenceSpec spec) {
    return sharesBlocks() && spec.input() == null
        ? new SequencePrefix(spec.sharing(), spec.promptTokens(), profile.blockTokens())
        : null;
  }

  /** Publishes the present state to other threads. */
  void publishSnapshot() {
    queueWaitNanos =
        latency.nanosToProduce(waiting.expectedTokens(), running.size(), allocatedTokens());
    snapshot = Snapshots.of(this);
  }

  /** Returns the state that was published last; for any thread. */
  EngineSnapshot snapshot() {
    return snapshot;
  }

  /** Returns the expected wait of the queue, if it is known; for any thread. */
  Optional<Duration> queueWait() {
    long nanos = queueWaitNanos;
    return nanos < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
  }

  /**
   * Adds a sequence to the waiting queue, for the first time or again; as soon as its mask is
   * there, if it awaits one.
   */
  void enterQueue(Sequence sequence) {
    ConstraintProgress constraint = sequence.constraint();
    if (constraint != null && constraint.awaitsMask()) {
      sequence.park();
      constraint.whenReady(now -> enterQueue(sequence));
      return;
    }
    sequence.queued(waiting.turns(sequence.tenant()));
    prefixes.match(sequence);
    waiting.add(sequence, planBuilder.admissionBlocks(sequence), sequence.queueAge());
    draft.invalidate();
  }

  /**
   * Returns the expected times of a sequence that has just joined the queue; null before enough
   * steps were observed.
   */
  @Nullable LatencyEstimate estimate(Sequence sequence, long now) {
    return latency.estimate(
        sequence,
        waiting.expectedTokensBefore(sequence),
        running.size(),
        allocatedTokens(),
        Math.max(0, now - sequence.spec().times().arrivalNanos()));
  }

  private long allocatedTokens() {
    return (long) device.allocated() * profile.blockTokens();
  }

  /** Reports to the executor that a sequence has lost its KV; no step may be in flight. */
  void released(Sequence sequence) {
    Throwable thrown = Guard.run(() -> parts.executor().released(sequence.sequenceId()));
    if (thrown != null) {
      counters.callbackFailures++;
      log.warn("the executor threw when {} was released", sequence, thrown);
    }
  }

  /** Publishes an event. The supplier is called only if there are listeners. */
  void publish(Supplier<EngineEvent> event) {
    if (events.active()) {
      events.publish(event.get());
    }
  }
}
