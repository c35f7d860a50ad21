package dev.s3llm.simulate;

import com.google.common.base.Preconditions;
import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.support.Settings;
import java.util.Map;
import java.util.Objects;

/**
 * Replays a trace through the production engine on a virtual clock, with a cost model in place of a
 * GPU. Equal inputs give equal decisions.
 *
 * <pre>{@code
 * Simulation simulation = Simulation.builder(model, gpu, kvBytes).maxLength(2048).build();
 * for (SimulationPolicy policy : SimulationPolicy.all()) {
 *   System.out.println(simulation.run(trace.atOnce(), policy));
 * }
 * }</pre>
 *
 * <p>The output limit of a request is the maximum length minus its prompt. Immutable and
 * thread-safe.
 */
public final class Simulation {
  private final ExecutorProfile profile;
  private final CostModel costs;
  private final SchedulingPolicy schedulingPolicy;
  private final TenantWeights tenantWeights;
  private final SimulatedPredictor predictor;
  private final PrefixSharing prefixSharing;
  private final boolean forgetsByFuture;
  private final LatencyTargets targets;
  private final boolean keepTpot;
  private final int engines;

  Simulation(
      ExecutorProfile profile,
      CostModel costs,
      SchedulingPolicy schedulingPolicy,
      TenantWeights tenantWeights,
      SimulatedPredictor predictor,
      PrefixSharing prefixSharing,
      boolean forgetsByFuture,
      LatencyTargets targets,
      boolean keepTpot,
      int engines) {
    this.profile = profile;
    this.costs = costs;
    this.schedulingPolicy = schedulingPolicy;
    this.tenantWeights = tenantWeights;
    this.predictor = predictor;
    this.prefixSharing = prefixSharing;
    this.forgetsByFuture = forgetsByFuture;
    this.targets = targets;
    this.keepTpot = keepTpot;
    this.engines = engines;
  }

  /**
   * Returns a builder of a simulation.
   *
   * @param model size of the model
   * @param gpu speed of the GPU
   * @param kvBytes device memory for keys and values in bytes, at least 1
   * @throws IllegalArgumentException if the memory is below 1 byte
   */
  public static Builder builder(
      CostModel.ModelShape model, CostModel.GpuProfile gpu, long kvBytes) {
    return new Builder(model, gpu, kvBytes);
  }

  /**
   * Replays a trace under a policy.
   *
   * @param trace the requests
   * @param policy the memory planner and the recovery policy
   * @throws IllegalArgumentException if the predictor is COLUMN or RECORDED and a request has no
   *     such prediction
   */
  public SimulationResult run(Trace trace, SimulationPolicy policy) {
    return run(trace, policy, new Listener() {});
  }

  /**
   * Replays a trace under a policy.
   *
   * @param trace the requests
   * @param policy the memory planner and the recovery policy
   * @param listener receives events, intervals and outcomes during the run; with several engines
   *     outcomes alone
   * @throws IllegalArgumentException if the predictor is COLUMN or RECORDED and a request has no
   *     such prediction
   */
  public SimulationResult run(Trace trace, SimulationPolicy policy, Listener listener) {
    Preconditions.checkArgument(
        predictor != SimulatedPredictor.COLUMN || trace.predicted(),
        "predictor COLUMN needs predicted_tokens for every request, but a request has none");
    Preconditions.checkArgument(
        predictor != SimulatedPredictor.RECORDED || trace.recorded(),
        "predictor RECORDED needs recorded predictions for every request, but a request has none");
    return engines == 1
        ? new SimulationRun(this, trace, policy, listener).run()
        : new EngineGroup(this, engines).run(trace, policy, listener);
  }

  ExecutorProfile profile() {
    return profile;
  }

  CostModel costs() {
    return costs;
  }

  /** Returns the order of the waiting requests. */
  public SchedulingPolicy schedulingPolicy() {
    return schedulingPolicy;
  }

  TenantWeights tenantWeights() {
    return tenantWeights;
  }

  SimulatedPredictor predictor() {
    return predictor;
  }

  /** Returns the engine's target for the time per output token; {@link Long#MAX_VALUE} for none. */
  long tokenTimeNanos() {
    double nanos = targets.tpotSeconds() * 1e9;
    return keepTpot && nanos < Long.MAX_VALUE ? Math.max(1, Math.round(nanos)) : Long.MAX_VALUE;
  }

  PrefixSharing prefixSharing() {
    return prefixSharing;
  }

  boolean forgetsByFuture() {
    return forgetsByFuture;
  }

  /** Returns the name of the order of forgetting; {@code none} without sharing. */
  String prefixName() {
    if (!prefixSharing.enabled()) {
      return "none";
    }
    if (forgetsByFuture) {
      return "clairvoyant";
    }
    return switch (prefixSharing.forgetting()) {
      case LEAST_RECENTLY_USED -> "lru";
      case EXPECTED_VALUE -> "expected";
    };
  }

  LatencyTargets targets() {
    return targets;
  }

  /**
   * Builds a {@link Simulation}. Each setter checks its value at once, refuses null with a {@link
   * NullPointerException}, and refuses a second call with an {@link IllegalStateException} that
   * names the earlier value. Not thread-safe.
   */
  public static final class Builder {
    private static final int MAX_BLOCKS = 1 << 24;

    private final CostModel.ModelShape model;
    private final CostModel.GpuProfile gpu;
    private final long kvBytes;
    private final Settings settings = new Settings();

    Builder(CostModel.ModelShape model, CostModel.GpuProfile gpu, long kvBytes) {
      this.model = Objects.requireNonNull(model, "model must not be null");
      this.gpu = Objects.requireNonNull(gpu, "gpu must not be null");
      this.kvBytes = Settings.requireAtLeast("kvBytes", kvBytes, 1);
    }

    /**
     * Sets the number of cards that an engine runs on together; 1 by default. The KV memory and the
     * memory for swapping are those of all its cards.
     *
     * @param count number of cards, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder cards(int count) {
      settings.setAtLeast("cards", count, 1);
      return this;
    }

    /**
     * Sets the number of engines, each with its own cards and memory; 1 by default. A request goes
     * to the engine that was given the least work so far: predicted output tokens, and a tenth of a
     * token for each prompt token. Where there is no prediction before the run, prompts alone
     * count.
     *
     * @param count number of engines, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder engines(int count) {
      settings.setAtLeast("engines", count, 1);
      return this;
    }

    /**
     * Sets the host memory for swapping; by default as large as the KV memory.
     *
     * @param bytes size in bytes, 0 or more; with 0, preempted sequences are recomputed
     * @throws IllegalArgumentException if the size is negative
     */
    public Builder swapBytes(long bytes) {
      settings.setAtLeast("swapBytes", bytes, 0);
      return this;
    }

    /**
     * Sets the largest number of tokens of a sequence; 2,048 by default.
     *
     * @param tokens prompt and output together, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxLength(int tokens) {
      settings.setAtLeast("maxLength", tokens, 1);
      return this;
    }

    /**
     * Sets the token slots of a KV block; 16 by default.
     *
     * @param tokens token slots, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder blockTokens(int tokens) {
      settings.setAtLeast("blockTokens", tokens, 1);
      return this;
    }

    /**
     * Sets the largest number of tokens that a step computes. By default 512, or {@link
     * #maxRunning} if that is more; 8,192 for a masked decoder ({@link #canvasPasses}).
     *
     * @param tokens prefill and decode together, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxTokensPerStep(int tokens) {
      settings.setAtLeast("maxTokensPerStep", tokens, 1);
      return this;
    }

    /**
     * Sets the largest number of sequences in a batch; 512 by default.
     *
     * @param sequences number of sequences, at least 1 and at most the tokens of a step
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxRunning(int sequences) {
      settings.setAtLeast("maxRunning", sequences, 1);
      return this;
    }

    /**
     * Makes the simulated executor a masked decoder; by default it decodes token by token. A prompt
     * is then an opaque input, computed in one step. Each answer is decoded on a canvas of 8, 16,
     * 32 and so on positions, the first that holds it; all tokens come in the last pass.
     *
     * @param passes number of passes over a canvas, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder canvasPasses(int passes) {
      settings.setAtLeast("canvasPasses", passes, 1);
      return this;
    }

    /**
     * Sets the order of the waiting requests; {@link SchedulingPolicies#shortestRemainingFirst()}
     * by default, as for an engine.
     *
     * @param policy decides which request goes first
     */
    public Builder schedulingPolicy(SchedulingPolicy policy) {
      settings.set("schedulingPolicy", policy);
      return this;
    }

    /**
     * Sets the shares of service of the trace's tenants; equal by default.
     *
     * @param weights weights by tenant, from 1e-6 to 1e6; a tenant that is not named has weight 1
     * @throws IllegalArgumentException if a weight is out of range, naming the tenant
     */
    public Builder tenantWeights(Map<String, Double> weights) {
      Objects.requireNonNull(weights, "tenantWeights must not be null");
      settings.set("tenantWeights", new TenantWeights(weights));
      return this;
    }

    /**
     * Sets the source of the predictions; the true lengths by default.
     *
     * @param source source of the predictions
     */
    public Builder predictor(SimulatedPredictor source) {
      settings.set("predictor", source);
      return this;
    }

    /**
     * Sets whether requests that begin alike share KV blocks; they do not by default.
     *
     * @param sharing whether they share, and what is kept
     */
    public Builder prefixSharing(PrefixSharing sharing) {
      settings.set("prefixSharing", sharing);
      return this;
    }

    /**
     * Sets whether the block whose next use is the furthest is forgotten first, in place of the
     * order of {@link #prefixSharing}: the limit of what any order saves. It is not by default.
     *
     * @param byFuture whether the uses in the trace decide
     */
    public Builder forgettingByFuture(boolean byFuture) {
      settings.set("forgettingByFuture", byFuture);
      return this;
    }

    /**
     * Sets the latency targets that requests must meet to count for goodput; none by default.
     *
     * @param limits limits on the time to the first token and the time per output token
     */
    public Builder targets(LatencyTargets limits) {
      settings.set("targets", limits);
      return this;
    }

    /**
     * Sets whether the engine keeps to the targets' time per output token, by smaller batches and
     * prefill chunks. False by default: the targets only define goodput then.
     *
     * @param keep whether the engine keeps to it
     */
    public Builder keepTpot(boolean keep) {
      settings.set("keepTpot", keep);
      return this;
    }

    /**
     * Returns the simulation.
     *
     * @throws IllegalArgumentException if a memory holds too few or too many blocks, a batch has
     *     more sequences than a step has tokens, or there are several cards for a model whose
     *     layers are not known
     * @throws ArithmeticException if the size of a block exceeds a {@code long}
     */
    public Simulation build() {
      CostModel costs = new CostModel(model, gpu, settings.get("cards", () -> 1));
      return new Simulation(
          profile(costs),
          costs,
          settings.get("schedulingPolicy", SchedulingPolicies::shortestRemainingFirst),
          settings.get("tenantWeights", () -> TenantWeights.EQUAL),
          settings.get("predictor", () -> SimulatedPredictor.EXACT),
          settings.get("prefixSharing", PrefixSharing::none),
          settings.get("forgettingByFuture", () -> false),
          settings.get("targets", () -> LatencyTargets.NONE),
          settings.get("keepTpot", () -> false),
          settings.get("engines", () -> 1));
    }

    private ExecutorProfile profile(CostModel costs) {
      int blockTokens = settings.get("blockTokens", () -> 16);
      long swapBytes = settings.get("swapBytes", () -> kvBytes);
      long blockBytes = Math.multiplyExact(blockTokens, costs.model().kvBytesPerToken());
      int passes = settings.get("canvasPasses", () -> 0);
      int running = settings.get("maxRunning", () -> 512);
      return ExecutorProfile.builder()
          .growth(passes > 0 ? KvGrowth.FIXED_CANVAS : KvGrowth.PER_BLOCK)
          .canvasPasses(passes)
          .takesInputs(passes > 0)
          .sharesPrefixes(passes == 0)
          .kvBlocks(blocks("kvBytes", kvBytes, blockBytes, 1), blockTokens, blockBytes)
          .hostBlocks(blocks("swapBytes", swapBytes, blockBytes, 0))
          .maxContextTokens(settings.get("maxLength", () -> 2048))
          .maxTokensPerStep(
              settings.get(
                  "maxTokensPerStep",
                  () -> passes > 0 ? 8192 : EngineParts.Limits.defaultStepTokens(running)))
          .maxSequencesPerStep(running)
          .vocabularySize(SimulatedExecutor.VOCABULARY_SIZE)
          .recoveryCosts(costs.recoveryCosts(blockTokens))
          .build();
    }

    private static int blocks(String name, long bytes, long blockBytes, int atLeast) {
      long blocks = bytes / blockBytes;
      Preconditions.checkArgument(
          blocks >= atLeast && blocks <= MAX_BLOCKS,
          "%s must hold from %s to %s blocks of %s bytes, but is %s",
          name,
          atLeast,
          MAX_BLOCKS,
          blockBytes,
          bytes);
      return (int) blocks;
    }
  }

  /**
   * Receives the engine's events, its state over virtual time, and the outcome of each request. The
   * thread that runs the simulation makes the calls, in the order of virtual time. A method must
   * not throw. Request ids are indices in the trace, from 0.
   */
  public interface Listener extends EngineListener {

    @Override
    default void onEvent(EngineEvent event) {}

    /**
     * Receives an interval of virtual time in which the state did not change. Does nothing by
     * default.
     *
     * @param fromNanos begin of the interval, in nanoseconds of virtual time
     * @param toNanos end of the interval, after its begin
     * @param state state of the engine during the interval
     */
    default void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {}

    /**
     * Receives the outcome of a request that has ended or was refused. Does nothing by default.
     *
     * @param outcome the outcome
     */
    default void onEnd(SimulationResult.RequestOutcome outcome) {}
  }

  /**
   * Limits on a request's latency. A request that meets both counts for goodput. Immutable.
   *
   * @param ttftSeconds longest time to the first token in seconds, above 0; infinite for no limit
   * @param tpotSeconds longest time per output token after the first in seconds, above 0; infinite
   *     for no limit
   */
  public record LatencyTargets(double ttftSeconds, double tpotSeconds) {
    /** No limits: every request that gets its whole answer meets them. */
    public static final LatencyTargets NONE =
        new LatencyTargets(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

    /**
     * Validates the limits.
     *
     * @throws IllegalArgumentException if a limit is not above 0
     */
    public LatencyTargets {
      Preconditions.checkArgument(
          ttftSeconds > 0 && tpotSeconds > 0,
          "ttftSeconds and tpotSeconds must be above 0, but are %s and %s",
          ttftSeconds,
          tpotSeconds);
    }

    /**
     * Returns whether a request got its whole answer within both limits.
     *
     * @param outcome the outcome of the request
     */
    public boolean metBy(SimulationResult.RequestOutcome outcome) {
      return outcome.finished()
          && outcome.ttftSeconds() <= ttftSeconds
          && outcome.tpotSeconds() <= tpotSeconds;
    }
  }
}
