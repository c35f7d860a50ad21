package dev.s3llm;

import com.google.common.base.Preconditions;
import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.CallbackPool;
import dev.s3llm.engine.loop.DaemonThreads;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.RunnerFactory;
import dev.s3llm.engine.loop.SteadyClock;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.recover.Recovery;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.support.Nanos;
import dev.s3llm.support.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Builds an {@link S3Engine} from its parts. Each setter checks its value at once: it refuses null
 * with a {@link NullPointerException} that names the setting, and a second call with an {@link
 * IllegalStateException} that names the earlier value. Not thread-safe.
 */
public final class EngineBuilder {
  private final Executor executor;
  private final Settings settings = new Settings();
  private final List<EngineListener> listeners = new ArrayList<>();

  EngineBuilder(Executor executor) {
    this.executor = Objects.requireNonNull(executor, "executor must not be null");
  }

  /**
   * Sets the predictor. The engine owns it and closes it. By default a {@link HintedPredictor}: the
   * request's own length hint where it has one, else an {@link EmpiricalLengthPredictor}.
   *
   * @param predictor predicts output lengths
   */
  public EngineBuilder predictor(LengthPredictor predictor) {
    return set("predictor", predictor);
  }

  /**
   * Sets the memory planner; {@link ForecastPlanner} by default.
   *
   * @param planner a planner that no other engine uses
   */
  public EngineBuilder planner(MemoryPlanner planner) {
    return set("planner", planner);
  }

  /**
   * Sets the order of the waiting requests; {@link SchedulingPolicies#firstComeFirstServed()} by
   * default.
   *
   * @param policy decides which request goes first
   */
  public EngineBuilder schedulingPolicy(SchedulingPolicy policy) {
    return set("schedulingPolicy", policy);
  }

  /**
   * Sets the share of service of each tenant, against the other tenants that need service at the
   * same time ({@link GenerationRequest.Builder#tenant}). A tenant that is not named has weight 1,
   * and by default all have.
   *
   * @param weights by tenant, from 1e-6 to 1e6
   * @throws IllegalArgumentException if a weight is out of range, naming the tenant
   */
  public EngineBuilder tenantWeights(Map<String, Double> weights) {
    Objects.requireNonNull(weights, "tenantWeights must not be null");
    return set("tenantWeights", new TenantWeights(weights));
  }

  /**
   * Sets the recovery policy. By default a sequence waits for a block while that is cheaper than a
   * preemption, and then the sequence that is cheapest to bring back gives way.
   *
   * @param recovery chooses which sequence gives way, and how
   */
  public EngineBuilder recovery(RecoveryPolicy recovery) {
    return set("recovery", recovery);
  }

  /**
   * Adds a listener. Any number can be added.
   *
   * @param listener receives the engine's events, on the callback executor
   */
  public EngineBuilder listener(EngineListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener must not be null"));
    return this;
  }

  /**
   * Sets where user code runs: stream subscribers, dependents of futures, listeners. By default a
   * pool that the engine owns: two threads, and up to 32 while user code blocks them, if a watchdog
   * ({@link #stuckAfter}) runs that can see it.
   *
   * <p>Such an executor must run, or refuse, every task. Where it refuses, or runs a task in place,
   * user code runs on the engine's threads and delays them if it blocks; events that listeners
   * would have received then are dropped and counted.
   *
   * @param callbacks runs user code; the engine does not close it
   */
  public EngineBuilder callbackExecutor(java.util.concurrent.Executor callbacks) {
    return set("callbackExecutor", callbacks);
  }

  /**
   * Sets where threads come from. By default daemon threads named {@code s3-engine-ROLE-N}, with a
   * role of {@code loop}, {@code callback}, {@code watchdog} or {@code close}.
   *
   * @param threads makes the engine's threads
   */
  public EngineBuilder threadFactory(ThreadFactory threads) {
    return set("threadFactory", threads);
  }

  /**
   * Sets the clock; the JVM's monotonic clock by default.
   *
   * @param clock any clock; a time that runs backwards is corrected
   */
  public EngineBuilder clock(NanoClock clock) {
    return set("clock", clock);
  }

  /**
   * Sets how many requests may be live; 10,000 by default. Further requests are refused. A request
   * is live while it waits and runs, and until the callback executor has run the completion of its
   * result.
   *
   * @param limit at least 1
   * @throws IllegalArgumentException if the limit is below 1
   */
  public EngineBuilder maxLiveRequests(int limit) {
    return setAtLeastOne("maxLiveRequests", limit);
  }

  /**
   * Sets the token budget of a step, prefill and decode together; by default, and at most, the
   * executor's.
   *
   * @param tokens at least 1
   * @throws IllegalArgumentException if the budget is below 1
   */
  public EngineBuilder maxTokensPerStep(int tokens) {
    return setAtLeastOne("maxTokensPerStep", tokens);
  }

  /**
   * Sets how many sequences run at once; by default, and at most, the executor's.
   *
   * @param sequences at least 1
   * @throws IllegalArgumentException if the number is below 1
   */
  public EngineBuilder maxRunning(int sequences) {
    return setAtLeastOne("maxRunning", sequences);
  }

  /**
   * Sets a target for the time per output token (TPOT). Steps that decode take only as much
   * prefill, and start only as many requests, as the target allows, by a model of the step time
   * that is learned from the steps. No target by default.
   *
   * @param target positive; a target below the shortest possible step keeps batches small and is
   *     missed all the same
   * @throws IllegalArgumentException if the target is zero or negative
   */
  public EngineBuilder timePerOutputToken(Duration target) {
    return setPositive("timePerOutputToken", target);
  }

  /**
   * Sets how long a prediction may take before the fallback replaces it; 50 ms by default.
   *
   * @param budget positive
   * @throws IllegalArgumentException if the budget is zero or negative
   */
  public EngineBuilder predictionBudget(Duration budget) {
    return setPositive("predictionBudget", budget);
  }

  /**
   * Sets how long {@link S3Engine#close} waits for live requests; 30 s by default.
   *
   * @param timeout positive
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public EngineBuilder closeTimeout(Duration timeout) {
    return setPositive("closeTimeout", timeout);
  }

  /**
   * Sets how long work may be pending without progress before {@link S3Engine#health} is bad and
   * new requests are refused; 60 s by default. After twice as long, pending requests fail. A
   * watchdog thread checks at an eighth of the limit, or each second if that is shorter.
   *
   * @param limit longer than the longest possible step, the first included, which may compile and
   *     allocate; zero for no watchdog and no thread, and then blocked callbacks get no further
   *     threads either
   * @throws IllegalArgumentException if the limit is negative
   */
  public EngineBuilder stuckAfter(Duration limit) {
    Objects.requireNonNull(limit, "stuckAfter must not be null");
    Preconditions.checkArgument(
        !limit.isNegative(), "stuckAfter must be at least zero, but is %s", limit);
    return set("stuckAfter", limit);
  }

  /**
   * Sets how many events may wait for listeners; 8,192 by default.
   *
   * @param events at least 1
   * @throws IllegalArgumentException if the number is below 1
   */
  public EngineBuilder eventBuffer(int events) {
    return setAtLeastOne("eventBuffer", events);
  }

  /**
   * Starts the engine.
   *
   * @throws IllegalArgumentException if settings contradict the executor's profile; the message
   *     lists all mistakes
   */
  public S3Engine build() {
    ExecutorProfile profile = executor.profile();
    int stepTokens = settings.get("maxTokensPerStep", profile::maxTokensPerStep);
    int running = settings.get("maxRunning", profile::maxSequencesPerStep);
    requireConsistent(profile, stepTokens, running);
    @Nullable CallbackPool own =
        settings.isSet("callbackExecutor") ? null : new CallbackPool(threads("callback"));
    EngineParts parts =
        new EngineParts(
            executor,
            settings.get("predictor", () -> new HintedPredictor(new EmpiricalLengthPredictor())),
            settings.get("planner", ForecastPlanner::new),
            settings.get("schedulingPolicy", SchedulingPolicies::firstComeFirstServed),
            settings.get("tenantWeights", () -> TenantWeights.EQUAL),
            settings.get("recovery", () -> Recovery.preempting(Recovery.Victim.CHEAPEST).patient()),
            new EngineParts.Events(
                List.copyOf(listeners),
                settings.get("callbackExecutor", () -> own),
                settings.get("eventBuffer", () -> 8192)),
            new EngineParts.Limits(
                stepTokens,
                running,
                Nanos.of(settings.get("predictionBudget", () -> Duration.ofMillis(50))),
                Nanos.of(
                    settings.get("timePerOutputToken", () -> Duration.ofNanos(Long.MAX_VALUE)))));
    return new S3Engine(this, parts, own);
  }

  LongSupplier clock() {
    @Nullable NanoClock given = settings.find("clock", NanoClock.class);
    return given == null ? NanoClock.system()::nanos : new SteadyClock(given::nanos);
  }

  long stuckAfterNanos() {
    return Nanos.of(settings.get("stuckAfter", () -> Duration.ofSeconds(60)));
  }

  ThreadFactory threads(String role) {
    return settings.get("threadFactory", () -> new DaemonThreads(role));
  }

  /** A clock of a test may bring the runner that steps the loop; a thread of its own otherwise. */
  EngineRunner runner(LongSupplier clock, Consumer<Throwable> onFailure) {
    @Nullable NanoClock given = settings.find("clock", NanoClock.class);
    RunnerFactory factory = given instanceof RunnerFactory hand ? hand : EngineRunner::new;
    return factory.create(clock, threads("loop"), onFailure);
  }

  int maxLiveRequests() {
    return settings.get("maxLiveRequests", () -> 10_000);
  }

  Duration closeTimeout() {
    return settings.get("closeTimeout", () -> Duration.ofSeconds(30));
  }

  private static void requireConsistent(ExecutorProfile profile, int stepTokens, int running) {
    List<String> mistakes = new ArrayList<>();
    int tokenLimit = profile.maxTokensPerStep();
    int sequenceLimit = profile.maxSequencesPerStep();
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
    settings.set(name, value);
    return this;
  }

  private EngineBuilder setAtLeastOne(String name, int value) {
    settings.setAtLeast(name, value, 1);
    return this;
  }

  private EngineBuilder setPositive(String name, Duration value) {
    settings.setPositive(name, value);
    return this;
  }
}
