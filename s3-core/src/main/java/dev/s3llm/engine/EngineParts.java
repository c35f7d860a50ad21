package dev.s3llm.engine;

import dev.s3llm.execute.Executor;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.Scheduler;
import dev.s3llm.schedule.TenantWeights;
import java.util.List;

/**
 * The parts that a loop composes.
 *
 * @param executor runs steps
 * @param predictor predicts lengths
 * @param planner decides about memory
 * @param order of a tenant's waiting requests
 * @param tenantWeights shares of the tenants
 * @param scheduler fills steps
 * @param recovery decides who gives way
 * @param listeners receive events
 * @param callbacks runs user code; events and results go through it
 * @param predictionBudgetNanos how long a prediction may take before the fallback answers
 * @param maxTokensPerStep token budget of a step, at most the executor's
 * @param maxSequencesPerStep batch limit, at most the executor's
 * @param eventBuffer events that may wait for listeners
 * @param tokenTimeNanos time per output token to keep; {@link Long#MAX_VALUE} for no limit
 */
public record EngineParts(
    Executor executor,
    LengthPredictor predictor,
    MemoryPlanner planner,
    QueueOrder order,
    TenantWeights tenantWeights,
    Scheduler scheduler,
    RecoveryPolicy recovery,
    List<EngineListener> listeners,
    java.util.concurrent.Executor callbacks,
    long predictionBudgetNanos,
    int maxTokensPerStep,
    int maxSequencesPerStep,
    int eventBuffer,
    long tokenTimeNanos) {

  /** Parts with equal tenants and without a limit on the time per output token. */
  public EngineParts(
      Executor executor,
      LengthPredictor predictor,
      MemoryPlanner planner,
      QueueOrder order,
      Scheduler scheduler,
      RecoveryPolicy recovery,
      List<EngineListener> listeners,
      java.util.concurrent.Executor callbacks,
      long predictionBudgetNanos,
      int maxTokensPerStep,
      int maxSequencesPerStep,
      int eventBuffer) {
    this(
        executor,
        predictor,
        planner,
        order,
        TenantWeights.EQUAL,
        scheduler,
        recovery,
        listeners,
        callbacks,
        predictionBudgetNanos,
        maxTokensPerStep,
        maxSequencesPerStep,
        eventBuffer,
        Long.MAX_VALUE);
  }
}
