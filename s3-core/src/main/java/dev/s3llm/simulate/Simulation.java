package dev.s3llm.simulate;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.TenantWeights;

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
  private final QueueOrder order;
  private final TenantWeights tenantWeights;
  private final SimulatedPredictor predictor;
  private final LatencyTargets targets;
  private final boolean keepTpot;

  Simulation(
      ExecutorProfile profile,
      CostModel costs,
      QueueOrder order,
      TenantWeights tenantWeights,
      SimulatedPredictor predictor,
      LatencyTargets targets,
      boolean keepTpot) {
    this.profile = profile;
    this.costs = costs;
    this.order = order;
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
  public static SimulationBuilder builder(ModelShape model, GpuProfile gpu, long kvBytes) {
    return new SimulationBuilder(model, gpu, kvBytes);
  }

  /** Replays a trace under a policy. */
  public SimulationResult run(Trace trace, SimulationPolicy policy) {
    return run(trace, policy, new SimulationListener() {});
  }

  /**
   * Replays a trace under a policy.
   *
   * @param listener told what happens as it happens
   * @throws IllegalArgumentException if the predictor is COLUMN and the trace has no predictions
   */
  public SimulationResult run(Trace trace, SimulationPolicy policy, SimulationListener listener) {
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

  QueueOrder order() {
    return order;
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
}
