package dev.s3llm;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.EngineRunner;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.recover.Recovery;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.ContinuousBatchingScheduler;
import dev.s3llm.schedule.FirstComeFirstServed;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.Scheduler;
import dev.s3llm.schedule.TenantWeights;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Wires the parts of an {@link S3Engine}. A setting may be given once; a second time is a mistake
 * that names the earlier value. Not thread-safe.
 */
public final class EngineBuilder {
  private final Executor executor;
  private final Map<String, Object> settings = new LinkedHashMap<>();
  private final List<EngineListener> listeners = new ArrayList<>();

  EngineBuilder(Executor executor) {
    this.executor = executor;
  }

  /**
   * Sets the predictor, which the engine then owns. By default an {@link EmpiricalLengthPredictor}
   * answers, and a request's own length hint where it has one ({@link HintedPredictor}).
   */
  public EngineBuilder predictor(LengthPredictor predictor) {
    return set("predictor", predictor);
  }

  /** Sets the memory planner; {@link ForecastPlanner} by default. */
  public EngineBuilder planner(MemoryPlanner planner) {
    return set("planner", planner);
  }

  /** Sets the order of the waiting queue; {@link FirstComeFirstServed} by default. */
  public EngineBuilder order(QueueOrder order) {
    return set("order", order);
  }

  /**
   * Sets how much of the engine's service each tenant gets against the others that want some at the
   * same time ({@link GenerationRequest.Builder#tenant}); 1 for those not named, and for all by
   * default.
   *
   * @param weights by tenant, from 1e-6 to 1e6
   * @throws IllegalArgumentException if a weight is out of range, naming the tenant
   */
  public EngineBuilder tenantWeights(Map<String, Double> weights) {
    return set("tenantWeights", new TenantWeights(weights));
  }

  /** Sets the scheduler; {@link ContinuousBatchingScheduler} by default. */
  public EngineBuilder scheduler(Scheduler scheduler) {
    return set("scheduler", scheduler);
  }

  /**
   * Sets the recovery policy; by default sequences wait for a block while that is cheaper, and then
   * the victim that is cheapest to bring back gives way.
   */
  public EngineBuilder recovery(RecoveryPolicy recovery) {
    return set("recovery", recovery);
  }

  /** Adds a listener; any number. */
  public EngineBuilder listener(EngineListener listener) {
    listeners.add(listener);
    return this;
  }

  /**
   * Sets where user code runs: stream subscribers, dependents of futures, listeners. By default a
   * pool of the engine's own: two threads, and up to 32 while user code blocks them, if there is a
   * watchdog ({@link #stuckAfter}) to see it. An executor of one's own must run, or refuse, all
   * that it is given. Where it refuses, or runs in place, user code runs on the engine's threads,
   * and holds them up if it blocks; what listeners would have heard then is dropped and counted.
   */
  public EngineBuilder callbackExecutor(java.util.concurrent.Executor callbacks) {
    return set("callbackExecutor", callbacks);
  }

  /**
   * Sets where threads come from; daemon threads named {@code s3-engine-ROLE-N} by default, with a
   * role of {@code loop}, {@code callback}, {@code watchdog} or {@code close}.
   */
  public EngineBuilder threadFactory(ThreadFactory threads) {
    return set("threadFactory", threads);
  }

  /** Sets the clock; the JVM's monotonic clock by default. */
  public EngineBuilder clock(NanoClock clock) {
    return set("clock", clock);
  }

  /**
   * Sets how many requests may be live; 10,000 by default. More are refused. A request is live
   * while it waits and runs, and until its result is handed over on the callback executor.
   *
   * @param limit at least 1
   */
  public EngineBuilder maxLiveRequests(int limit) {
    return set("maxLiveRequests", atLeastOne("maxLiveRequests", limit));
  }

  /**
   * Sets the token budget of a step, prefill and decode together; by default, and at most, the
   * executor's.
   *
   * @param tokens at least 1
   */
  public EngineBuilder maxTokensPerStep(int tokens) {
    return set("maxTokensPerStep", atLeastOne("maxTokensPerStep", tokens));
  }

  /**
   * Sets how many sequences run at once; by default, and at most, the executor's.
   *
   * @param sequences at least 1
   */
  public EngineBuilder maxRunning(int sequences) {
    return set("maxRunning", atLeastOne("maxRunning", sequences));
  }

  /**
   * Sets a target for the time per output token (TPOT): steps that decode take no more prefill, and
   * start no more requests, than leave them within it, by a model of the step time that is learned
   * from the steps. No target by default.
   *
   * @param target positive; one below what a step takes at least is kept by nothing but small
   *     batches
   */
  public EngineBuilder timePerOutputToken(Duration target) {
    return set("timePerOutputToken", positive("timePerOutputToken", target));
  }

  /**
   * Sets how long a prediction may take before the fallback answers; 50 ms by default.
   *
   * @param budget positive
   */
  public EngineBuilder predictionBudget(Duration budget) {
    return set("predictionBudget", positive("predictionBudget", budget));
  }

  /**
   * Sets how long {@link S3Engine#close} lets requests finish; 30 s by default.
   *
   * @param timeout positive
   */
  public EngineBuilder closeTimeout(Duration timeout) {
    return set("closeTimeout", positive("closeTimeout", timeout));
  }

  /**
   * Sets how long work may be pending without progress before {@link S3Engine#health} says so and
   * new requests are refused; 60 s by default. After twice as long pending requests fail. A thread
   * of the engine's own watches, at an eighth of the limit or each second.
   *
   * @param limit longer than the longest step there can be, the first included, which may compile
   *     and allocate; zero for no watchdog and no thread: then nobody adds threads for callbacks
   *     that block, either
   */
  public EngineBuilder stuckAfter(Duration limit) {
    if (limit.isNegative()) {
      throw new IllegalArgumentException("stuckAfter must be at least zero, but is " + limit);
    }
    return set("stuckAfter", limit);
  }

  /**
   * Sets how many events may wait for listeners; 8,192 by default.
   *
   * @param events at least 1
   */
  public EngineBuilder eventBuffer(int events) {
    return set("eventBuffer", atLeastOne("eventBuffer", events));
  }

  /** Sets what steps the loop; a thread of its own by default. For tests. */
  EngineBuilder runner(RunnerMaker runner) {
    return set("runner", runner);
  }

  /**
   * Starts the engine.
   *
   * @throws IllegalArgumentException if settings contradict the executor; the message lists all
   *     mistakes
   */
  public S3Engine build() {
    int stepTokens = get("maxTokensPerStep", () -> executor.profile().maxTokensPerStep());
    int running = get("maxRunning", () -> executor.profile().maxSequencesPerStep());
    requireConsistent(stepTokens, running);
    @Nullable CallbackPool own =
        settings.containsKey("callbackExecutor") ? null : new CallbackPool(threads("callback"));
    java.util.concurrent.Executor callbacks = get("callbackExecutor", () -> own);
    EngineParts parts =
        new EngineParts(
            executor,
            get("predictor", () -> new HintedPredictor(new EmpiricalLengthPredictor())),
            get("planner", ForecastPlanner::new),
            get("order", FirstComeFirstServed::new),
            get("tenantWeights", () -> TenantWeights.EQUAL),
            get("scheduler", ContinuousBatchingScheduler::new),
            get("recovery", () -> Recovery.preempting(Recovery.Victim.CHEAPEST).patient()),
            List.copyOf(listeners),
            callbacks,
            Nanos.of(get("predictionBudget", () -> Duration.ofMillis(50))),
            stepTokens,
            running,
            get("eventBuffer", () -> 8192),
            Nanos.of(get("timePerOutputToken", () -> Duration.ofNanos(Long.MAX_VALUE))));
    return new S3Engine(this, parts, own);
  }

  NanoClock clock() {
    @Nullable Object given = settings.get("clock");
    return given == null ? NanoClock.system() : new SteadyClock((NanoClock) given);
  }

  long stuckAfterNanos() {
    return Nanos.of(get("stuckAfter", () -> Duration.ofSeconds(60)));
  }

  ThreadFactory threads(String role) {
    return get("threadFactory", () -> new DaemonThreads(role));
  }

  EngineRunner runner(NanoClock clock, Consumer<Throwable> onFailure) {
    RunnerMaker maker = get("runner", () -> EngineRunner::new);
    return maker.make(clock::nanos, threads("loop"), onFailure);
  }

  int maxLiveRequests() {
    return get("maxLiveRequests", () -> 10_000);
  }

  Duration closeTimeout() {
    return get("closeTimeout", () -> Duration.ofSeconds(30));
  }

  private void requireConsistent(int stepTokens, int running) {
    List<String> mistakes = new ArrayList<>();
    int tokenLimit = executor.profile().maxTokensPerStep();
    int sequenceLimit = executor.profile().maxSequencesPerStep();
    if (stepTokens > tokenLimit) {
      mistakes.add(
          "maxTokensPerStep is %d, the executor takes %d".formatted(stepTokens, tokenLimit));
    }
    if (running > sequenceLimit) {
      mistakes.add("maxRunning is %d, the executor takes %d".formatted(running, sequenceLimit));
    }
    if (running > stepTokens) {
      mistakes.add(
          "maxRunning is %d, but each running sequence needs a token of maxTokensPerStep, %d"
              .formatted(running, stepTokens));
    }
    if (!mistakes.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", mistakes));
    }
  }

  private EngineBuilder set(String name, Object value) {
    Object earlier = settings.putIfAbsent(name, value);
    if (earlier != null) {
      throw new IllegalStateException(name + " was already set to " + earlier);
    }
    return this;
  }

  @SuppressWarnings("unchecked") // each name has one type, set in one place
  private <T> T get(String name, Supplier<T> byDefault) {
    Object value = settings.get(name);
    return value == null ? byDefault.get() : (T) value;
  }

  private static int atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, but is " + value);
    }
    return value;
  }

  private static Duration positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + " must be positive, but is " + value);
    }
    return value;
  }

  /** Makes what steps an engine's loop. */
  interface RunnerMaker {
    EngineRunner make(LongSupplier clock, ThreadFactory threads, Consumer<Throwable> onFailure);
  }
}
