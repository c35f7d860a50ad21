package dev.s3llm.simulate;

import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.support.Settings;
import java.util.Map;

/**
 * Replays a trace through the production engine on a virtual clock, with a cost model in place of a
 * GPU. The same inputs give the same decisions, bit by bit.
 *
 * <pre>{@code
 * Simulation simulation = Simulation.builder(model, gpu, kvBytes).maxLength(2048).build();
 * for (SimulationPolicy policy : SimulationPolicy.all()) {
 *   System.out.println(simulation.run(trace.atOnce(), policy));
 * }
 * }</pre>
 *
 * <p>A request may generate as many tokens as the maximum length leaves beside its prompt.
 * Immutable and thread-safe.
 */
public final class Simulation {
  private final ExecutorProfile profile;
  private final CostModel costs;
  private final SchedulingPolicy schedulingPolicy;
  private final TenantWeights tenantWeights;
  private final SimulatedPredictor predictor;
  private final LatencyTargets targets;
  private final boolean keepTpot;

  Simulation(
      ExecutorProfile profile,
      CostModel costs,
      SchedulingPolicy schedulingPolicy,
      TenantWeights tenantWeights,
      SimulatedPredictor predictor,
      LatencyTargets targets,
      boolean keepTpot) {
    this.profile = profile;
    this.costs = costs;
    this.schedulingPolicy = schedulingPolicy;
    this.tenantWeights = tenantWeights;
    this.predictor = predictor;
    this.targets = targets;
    this.keepTpot = keepTpot;
  }

  /**
   * Starts the settings of a simulation.
   *
   * @param kvBytes device memory for keys and values
   */
  public static Builder builder(
      CostModel.ModelShape model, CostModel.GpuProfile gpu, long kvBytes) {
    return new Builder(model, gpu, kvBytes);
  }

  /** Replays a trace under a policy. */
  public SimulationResult run(Trace trace, SimulationPolicy policy) {
    return run(trace, policy, new Listener() {});
  }

  /**
   * Replays a trace under a policy.
   *
   * @param listener told what happens as it happens
   * @throws IllegalArgumentException if the predictor is COLUMN and the trace has no predictions
   */
  public SimulationResult run(Trace trace, SimulationPolicy policy, Listener listener) {
    if (predictor == SimulatedPredictor.COLUMN && !trace.predicted()) {
      throw new IllegalArgumentException(
          "predictor COLUMN needs predicted_tokens for every request, but the trace has none");
    }
    return new SimulationRun(this, trace, policy, listener).run();
  }

  ExecutorProfile profile() {
    return profile;
  }

  CostModel costs() {
    return costs;
  }

  SchedulingPolicy schedulingPolicy() {
    return schedulingPolicy;
  }

  TenantWeights tenantWeights() {
    return tenantWeights;
  }

  SimulatedPredictor predictor() {
    return predictor;
  }

  /** Time per output token that the engine keeps; {@link Long#MAX_VALUE} for none. */
  long tokenTimeNanos() {
    double nanos = targets.tpotSeconds() * 1e9;
    return keepTpot && nanos < Long.MAX_VALUE ? Math.max(1, Math.round(nanos)) : Long.MAX_VALUE;
  }

  LatencyTargets targets() {
    return targets;
  }

  /** Collects the settings of a {@link Simulation}. Not thread-safe. */
  public static final class Builder {
    private static final int MAX_BLOCKS = 1 << 24;

    private final CostModel costs;
    private final long kvBytes;
    private final Settings settings = new Settings();

    Builder(CostModel.ModelShape model, CostModel.GpuProfile gpu, long kvBytes) {
      this.costs = new CostModel(model, gpu);
      this.kvBytes = Settings.requireAtLeast("kvBytes", kvBytes, 1);
    }

    /**
     * Sets the host memory for swapping; as much as KV memory by default.
     *
     * @param bytes 0 or more; with 0, preempted sequences are recomputed
     * @throws IllegalArgumentException if the number is negative
     */
    public Builder swapBytes(long bytes) {
      settings.setAtLeast("swapBytes", bytes, 0);
      return this;
    }

    /**
     * Sets the most tokens of a sequence, prompt included; 2,048 by default.
     *
     * @param tokens at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxLength(int tokens) {
      settings.setAtLeast("maxLength", tokens, 1);
      return this;
    }

    /**
     * Sets the token slots of a KV block; 16 by default.
     *
     * @param tokens at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder blockTokens(int tokens) {
      settings.setAtLeast("blockTokens", tokens, 1);
      return this;
    }

    /**
     * Sets the token budget of a step, prefill and decode together; 8,192 by default.
     *
     * @param tokens at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxTokensPerStep(int tokens) {
      settings.setAtLeast("maxTokensPerStep", tokens, 1);
      return this;
    }

    /**
     * Sets the largest batch; 1,024 sequences by default.
     *
     * @param sequences at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxRunning(int sequences) {
      settings.setAtLeast("maxRunning", sequences, 1);
      return this;
    }

    /**
     * Sets the order of the waiting requests; first come, first served by default.
     *
     * @param policy decides which request goes first
     */
    public Builder schedulingPolicy(SchedulingPolicy policy) {
      settings.set("schedulingPolicy", policy);
      return this;
    }

    /**
     * Sets the shares of the trace's tenants; equal by default.
     *
     * @param weights by tenant, from 1e-6 to 1e6; 1 for a tenant that is not named
     * @throws IllegalArgumentException if a weight is out of range, naming the tenant
     */
    public Builder tenantWeights(Map<String, Double> weights) {
      settings.set("tenantWeights", new TenantWeights(weights));
      return this;
    }

    /**
     * Sets where predictions come from; the true lengths by default.
     *
     * @param source of the predictions
     */
    public Builder predictor(SimulatedPredictor source) {
      settings.set("predictor", source);
      return this;
    }

    /**
     * Sets the limits that requests must meet to count for goodput; none by default.
     *
     * @param limits on the time to the first token and the time per output token
     */
    public Builder targets(LatencyTargets limits) {
      settings.set("targets", limits);
      return this;
    }

    /**
     * Sets whether the engine keeps the targets' time per output token, by smaller batches and
     * prefill chunks. False by default: then the targets only judge.
     *
     * @param keep whether the engine keeps it
     */
    public Builder keepTpot(boolean keep) {
      settings.set("keepTpot", keep);
      return this;
    }

    /**
     * Returns the simulation.
     *
     * @throws IllegalArgumentException if memory holds no block or too many, or the batch limit
     *     exceeds the token budget
     */
    public Simulation build() {
      return new Simulation(
          profile(),
          costs,
          settings.get("schedulingPolicy", SchedulingPolicies::firstComeFirstServed),
          settings.get("tenantWeights", () -> TenantWeights.EQUAL),
          settings.get("predictor", () -> SimulatedPredictor.EXACT),
          settings.get("targets", () -> LatencyTargets.NONE),
          settings.get("keepTpot", () -> false));
    }

    private ExecutorProfile profile() {
      int blockTokens = settings.get("blockTokens", () -> 16);
      long swapBytes = settings.get("swapBytes", () -> kvBytes);
      long blockBytes = Math.multiplyExact(blockTokens, costs.model().kvBytesPerToken());
      return ExecutorProfile.builder()
          .kvBlocks(blocks("kvBytes", kvBytes, blockBytes, 1), blockTokens, blockBytes)
          .hostBlocks(blocks("swapBytes", swapBytes, blockBytes, 0))
          .maxContextTokens(settings.get("maxLength", () -> 2048))
          .maxTokensPerStep(settings.get("maxTokensPerStep", () -> 8192))
          .maxSequencesPerStep(settings.get("maxRunning", () -> 1024))
          .vocabularySize(SimulatedExecutor.VOCABULARY_SIZE)
          .recoveryCosts(costs.recoveryCosts(blockTokens))
          .build();
    }

    private static int blocks(String name, long bytes, long blockBytes, int atLeast) {
      long blocks = bytes / blockBytes;
      if (blocks < atLeast || blocks > MAX_BLOCKS) {
        throw new IllegalArgumentException(
            "%s must hold from %d to %d blocks of %d bytes, but is %d"
                .formatted(name, atLeast, MAX_BLOCKS, blockBytes, bytes));
      }
      return (int) blocks;
    }
  }

  /**
   * Watches a simulation: the engine's events, its state over virtual time, and how each request
   * fared. Called by the thread that runs the simulation, in the order of virtual time; must not
   * throw. Request ids are places in the trace, from 0.
   */
  public interface Listener extends EngineListener {

    @Override
    default void onEvent(EngineEvent event) {}

    /**
     * The state did not change for a while.
     *
     * @param fromNanos the begin
     * @param toNanos the end, after the begin
     * @param state of the engine in between
     */
    default void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {}

    /** A request has ended, or was refused because it could never fit. */
    default void onEnd(SimulationResult.RequestOutcome outcome) {}
  }

  /**
   * How soon a request wants its tokens. A request that met both limits counts for goodput.
   *
   * @param ttftSeconds the longest time to the first token; infinite for no limit
   * @param tpotSeconds the longest time per output token after the first; infinite for no limit
   */
  public record LatencyTargets(double ttftSeconds, double tpotSeconds) {
    /** No limits: every whole answer meets them. */
    public static final LatencyTargets NONE =
        new LatencyTargets(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

    /** Validates that both limits are above zero. */
    public LatencyTargets {
      if (!(ttftSeconds > 0 && tpotSeconds > 0)) {
        throw new IllegalArgumentException(
            "ttftSeconds and tpotSeconds must be above 0, but are %s and %s"
                .formatted(ttftSeconds, tpotSeconds));
      }
    }

    /** Whether the request got its whole answer within both limits. */
    public boolean metBy(SimulationResult.RequestOutcome outcome) {
      return outcome.finished()
          && outcome.ttftSeconds() <= ttftSeconds
          && outcome.tpotSeconds() <= tpotSeconds;
    }
  }
}
