package dev.s3llm.engine;

import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.List;

/**
 * The parts that an engine loop composes.
 *
 * @param executor runs steps
 * @param predictor predicts output lengths
 * @param planner decides about memory
 * @param policy orders the waiting requests of a tenant
 * @param tenantWeights shares of the tenants
 * @param recovery chooses which sequence gives way
 * @param events who receives events, and where
 * @param limits what bounds steps and waits
 */
public record EngineParts(
    Executor executor,
    LengthPredictor predictor,
    MemoryPlanner planner,
    SchedulingPolicy policy,
    TenantWeights tenantWeights,
    RecoveryPolicy recovery,
    Events events,
    Limits limits) {

  /**
   * Who receives events, and where.
   *
   * @param listeners receive the events, in this order
   * @param callbacks runs user code: listeners, results and streams
   * @param buffer events that may wait for the listeners, at least 1
   */
  public record Events(
      List<EngineListener> listeners, java.util.concurrent.Executor callbacks, int buffer) {}

  /**
   * What bounds steps and waits.
   *
   * @param maxTokensPerStep token budget of a step, at most the executor's
   * @param maxSequencesPerStep batch limit, at most the executor's
   * @param predictionBudgetNanos time that a prediction may take before the fallback replaces it
   * @param tokenTimeNanos target for the time per output token; {@link Long#MAX_VALUE} for none
   */
  public record Limits(
      int maxTokensPerStep,
      int maxSequencesPerStep,
      long predictionBudgetNanos,
      long tokenTimeNanos) {}
}
