package dev.s3llm;

import com.google.common.base.Preconditions;
import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.CallbackPool;
import dev.s3llm.engine.loop.DaemonThreads;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.MaskThreads;
import dev.s3llm.engine.loop.RunnerFactory;
import dev.s3llm.engine.loop.SteadyClock;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.PrefixSharing;
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
 * A builder of {@link S3Engine}s. Each setter checks its value at once: it refuses null with a
 * {@link NullPointerException} that names the setting, and a second call with an {@link
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
   * Sets the predictor. By default a {@link HintedPredictor}: it uses the request's length hint
   * where there is one, and an {@link EmpiricalLengthPredictor} otherwise.
   *
   * @param predictor predicts output lengths; the engine owns and closes it
   */
  public EngineBuilder predictor(LengthPredictor predictor) {
    return set("predictor", predictor);
  }

  /**
   * Sets the memory planner; {@link ForecastPlanner} by default.
   *
   * @param planner decides how much KV memory a sequence gets; not shared with another engine
   */
  public EngineBuilder planner(MemoryPlanner planner) {
    return set("planner", planner);
  }

  /**
   * Sets the order of the requests; {@link SchedulingPolicies#shortestRemainingFirst()} by default,
   * which has a lower mean latency under load than the order of arrival, {@link
   * SchedulingPolicies#firstComeFirstServed()}.
   *
   * @param policy decides which waiting request goes first, and which running one gives way
   */
  public EngineBuilder schedulingPolicy(SchedulingPolicy policy) {
    return set("schedulingPolicy", policy);
  }

  /**
   * Sets the weights of tenants ({@link GenerationRequest.Builder#tenant}). Tenants that need
   * service at the same time share it in proportion to their weights. A tenant that is not named
   * has weight 1; by default no tenant is named.
   *
   * @param weights weight by tenant name, each from 1e-6 to 1e6
   * @throws IllegalArgumentException if a weight is out of range, naming the tenant
   */
  public EngineBuilder tenantWeights(Map<String, Double> weights) {
    Objects.requireNonNull(weights, "tenantWeights must not be null");
    return set("tenantWeights", new TenantWeights(weights));
  }

  /**
   * Sets the recovery policy, for sequences that outgrow their reservations. By default a sequence
   * waits for a block while that is cheaper than a preemption; then the sequence that is cheapest
   * to bring back is preempted.
   *
   * @param recovery chooses which sequence is preempted, and how
   */
  public EngineBuilder recovery(RecoveryPolicy recovery) {
    return set("recovery", recovery);
  }

  /**
   * Sets whether requests that begin alike share KV blocks, and which blocks are kept for later
   * requests. By default they share, if the executor allows it ({@link
   * ExecutorProfile#sharesPrefixes}), as many blocks are kept as memory has room for, and the one
   * whose return is worth least is forgotten first.
   *
   * @param sharing whether requests share blocks
   */
  public EngineBuilder prefixSharing(PrefixSharing sharing) {
    return set("prefixSharing", sharing);
  }

  /**
   * Adds a listener. May be called any number of times.
   *
   * @param listener receives the engine's events, on the callback executor
   */
  public EngineBuilder listener(EngineListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener must not be null"));
    return this;
  }

  /**
   * Sets the executor of user code: stream subscribers, dependents of futures, listeners. By
   * default a pool that the engine owns. It has two threads, and up to 32 while user code blocks
   * them; the watchdog ({@link #stuckAfter}) adds them, so without a watchdog there are two.
   *
   * <p>The executor must run or refuse every task. If it refuses the completion of a result or the
   * end of a stream, or runs tasks in place, user code runs on the engine's threads and delays them
   * if it blocks. Refused events are dropped and counted.
   *
   * @param callbacks runs user code; the engine does not close it
   */
  public EngineBuilder callbackExecutor(java.util.concurrent.Executor callbacks) {
    return set("callbackExecutor", callbacks);
  }

  /**
   * Sets the thread factory. By default the engine uses daemon threads named {@code
   * s3-engine-ROLE-N}, where ROLE is {@code loop}, {@code callback}, {@code mask}, {@code watchdog}
   * or {@code close}.
   *
   * @param threads makes all threads of the engine
   */
  public EngineBuilder threadFactory(ThreadFactory threads) {
    return set("threadFactory", threads);
  }

  /**
   * Sets the clock; the JVM's monotonic clock by default.
   *
   * @param clock a thread-safe clock; if it runs backwards, the engine corrects it
   */
  public EngineBuilder clock(NanoClock clock) {
    return set("clock", clock);
  }

  /**
   * Sets how many requests may be live; 10,000 by default. Further requests are refused. A request
   * is live from its submission until the callback executor has completed its result.
   *
   * <p>Tenants share these places by weight. A tenant that holds less than its weighted share,
   * among the tenants with live requests, may take any free place. Others may not take the last
   * quarter of the places. An engine that has no {@link #tenantWeights} and has seen one tenant
   * gives that tenant all places.
   *
   * @param limit number of requests, at least 1
   * @throws IllegalArgumentException if the limit is below 1
   */
  public EngineBuilder maxLiveRequests(int limit) {
    return setAtLeastOne("maxLiveRequests", limit);
  }

  /**
   * Sets the token budget of a step, prefill and decode together. A large budget does not raise the
   * throughput, and delays the tokens of running requests while prompts are computed. At most, and
   * for an executor with a canvas by default, the budget of the executor; otherwise 512 tokens by
   * default, or {@link #maxRunning} if that is more.
   *
   * @param tokens prompt and output tokens that a step may compute, at least 1
   * @throws IllegalArgumentException if the budget is below 1
   */
  public EngineBuilder maxTokensPerStep(int tokens) {
    return setAtLeastOne("maxTokensPerStep", tokens);
  }

  /**
   * Sets how many sequences may run at once; by default, and at most, the executor's.
   *
   * @param sequences number of sequences, at least 1
   * @throws IllegalArgumentException if the number is below 1
   */
  public EngineBuilder maxRunning(int sequences) {
    return setAtLeastOne("maxRunning", sequences);
  }

  /**
   * Sets a target for the time per output token (TPOT). Steps that decode take only as much
   * prefill, and start only as many requests, as the target allows. How much that is follows from a
   * model of the step time, which is fitted to past steps. No target by default.
   *
   * @param target time per output token after the first, positive; a target shorter than the
   *     shortest possible step has no effect
   * @throws IllegalArgumentException if the target is zero or negative
   */
  public EngineBuilder timePerOutputToken(Duration target) {
    return setPositive("timePerOutputToken", target);
  }

  /**
   * Sets how long a prediction may take before the fallback replaces it; 50 ms by default.
   *
   * @param budget time for one prediction, positive
   * @throws IllegalArgumentException if the budget is zero or negative
   */
  public EngineBuilder predictionBudget(Duration budget) {
    return setPositive("predictionBudget", budget);
  }

  /**
   * Sets how long {@link S3Engine#close} waits for live requests; 30 s by default.
   *
   * @param timeout time for live requests to finish, positive
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public EngineBuilder closeTimeout(Duration timeout) {
    return setPositive("closeTimeout", timeout);
  }

  /**
   * Sets how long work may be pending without progress; 60 s by default. After this time {@link
   * S3Engine#health} is bad and new requests are refused; after twice this time, pending requests
   * fail. A watchdog thread checks eight times within the limit, and at least once a second.
   *
   * @param limit longer than the longest possible step, including the first one, which may compile
   *     and allocate; zero for no watchdog thread, in which case the default callback pool does not
   *     grow either
   * @throws IllegalArgumentException if the limit is negative
   */
  public EngineBuilder stuckAfter(Duration limit) {
    Objects.requireNonNull(limit, "stuckAfter must not be null");
    Preconditions.checkArgument(
        !limit.isNegative(), "stuckAfter must be at least zero, but is %s", limit);
    return set("stuckAfter", limit);
  }

  /**
   * Sets how many events may wait for each listener; 8,192 by default. Further events are dropped
   * for that listener and counted.
   *
   * @param events number of events, at least 1
   * @throws IllegalArgumentException if the number is below 1
   */
  public EngineBuilder eventBuffer(int events) {
    return setAtLeastOne("eventBuffer", events);
  }

  /**
   * Builds and starts the engine.
   *
   * @return a running engine; close it to free its parts
   * @throws IllegalArgumentException if settings contradict the executor's profile; the message
   *     lists all mistakes
   */
  public S3Engine build() {
    ExecutorProfile profile = executor.profile();
    int running = settings.get("maxRunning", profile::maxSequencesPerStep);
    int stepTokens = settings.get("maxTokensPerStep", () -> defaultBudget(profile, running));
    requireConsistent(profile, stepTokens, running);
    @Nullable CallbackPool own =
        settings.isSet("callbackExecutor") ? null : new CallbackPool(threads("callback"));
    EngineParts parts =
        new EngineParts(
            executor,
            settings.get("predictor", () -> new HintedPredictor(new EmpiricalLengthPredictor())),
            settings.get("planner", ForecastPlanner::new),
            settings.get("schedulingPolicy", SchedulingPolicies::shortestRemainingFirst),
            settings.get("tenantWeights", () -> TenantWeights.EQUAL),
            settings.get("recovery", () -> Recovery.preempting(Recovery.Victim.CHEAPEST).patient()),
            EngineParts.Prefixes.of(settings.get("prefixSharing", EngineBuilder::defaultSharing)),
            new EngineParts.Events(
                List.copyOf(listeners),
                settings.get("callbackExecutor", () -> own),
                settings.get("eventBuffer", () -> 8192)),
            new EngineParts.Limits(
                stepTokens,
                running,
                Nanos.of(settings.get("predictionBudget", () -> Duration.ofMillis(50))),
                Nanos.of(
                    settings.get("timePerOutputToken", () -> Duration.ofNanos(Long.MAX_VALUE)))),
            masks());
    return new S3Engine(this, parts, own);
  }

  private static PrefixSharing defaultSharing() {
    return PrefixSharing.keeping(PrefixSharing.Forgetting.EXPECTED_VALUE);
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

  /** Returns the runner that a test's clock makes, or else a runner with a thread of its own. */
  EngineRunner runner(LongSupplier clock, Consumer<Throwable> onFailure) {
    @Nullable NanoClock given = settings.find("clock", NanoClock.class);
    RunnerFactory factory = given instanceof RunnerFactory own ? own : EngineRunner::new;
    return factory.create(clock, threads("loop"), onFailure);
  }

  /** Returns what makes the masks of constraints: threads, or what a test's clock names. */
  private java.util.concurrent.Executor masks() {
    @Nullable NanoClock given = settings.find("clock", NanoClock.class);
    return given instanceof RunnerFactory own ? own.masks() : new MaskThreads(threads("mask"));
  }

  int maxLiveRequests() {
    return settings.get("maxLiveRequests", () -> 10_000);
  }

  Duration closeTimeout() {
    return settings.get("closeTimeout", () -> Duration.ofSeconds(30));
  }

  /** Returns the default token budget of a step; a canvas is computed whole, so it needs all. */
  private static int defaultBudget(ExecutorProfile profile, int running) {
    return profile.growth() == ExecutorProfile.KvGrowth.FIXED_CANVAS
        ? profile.maxTokensPerStep()
        : Math.min(profile.maxTokensPerStep(), EngineParts.Limits.defaultStepTokens(running));
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
