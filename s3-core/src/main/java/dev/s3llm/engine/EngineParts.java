package dev.s3llm.engine;

import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.prefix.ExpectedValue;
import dev.s3llm.engine.prefix.ForgettingOrder;
import dev.s3llm.engine.prefix.LeastRecentlyUsed;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.recover.RecoveryPolicy;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.List;
import java.util.function.Supplier;

/**
 * The parts and settings of an engine loop.
 *
 * @param executor runs steps
 * @param predictor predicts output lengths
 * @param planner decides about memory
 * @param policy orders the waiting requests of a tenant
 * @param tenantWeights weights of the tenants
 * @param recovery chooses which sequence is preempted
 * @param prefixes whether sequences that begin alike share blocks
 * @param events listeners, and the executor of user code
 * @param limits bounds of steps and times
 * @param masks makes the masks of token constraints
 */
public record EngineParts(
    Executor executor,
    LengthPredictor predictor,
    MemoryPlanner planner,
    SchedulingPolicy policy,
    TenantWeights tenantWeights,
    RecoveryPolicy recovery,
    Prefixes prefixes,
    Events events,
    Limits limits,
    java.util.concurrent.Executor masks) {

  /**
   * Creates parts that make the masks of constraints on the loop's own thread, for tests and
   * simulations.
   *
   * @param executor runs steps
   * @param predictor predicts output lengths
   * @param planner decides about memory
   * @param policy orders the waiting requests of a tenant
   * @param tenantWeights weights of the tenants
   * @param recovery chooses which sequence is preempted
   * @param prefixes whether sequences that begin alike share blocks
   * @param events listeners, and the executor of user code
   * @param limits bounds of steps and times
   */
  public EngineParts(
      Executor executor,
      LengthPredictor predictor,
      MemoryPlanner planner,
      SchedulingPolicy policy,
      TenantWeights tenantWeights,
      RecoveryPolicy recovery,
      Prefixes prefixes,
      Events events,
      Limits limits) {
    this(
        executor,
        predictor,
        planner,
        policy,
        tenantWeights,
        recovery,
        prefixes,
        events,
        limits,
        Runnable::run);
  }

  /**
   * Whether sequences that begin alike share blocks, and which are kept.
   *
   * @param setting whether they share, and how much is kept
   * @param order makes the order in which kept blocks are forgotten
   */
  public record Prefixes(PrefixSharing setting, Supplier<ForgettingOrder> order) {
    /** No sharing. */
    public static final Prefixes NONE = of(PrefixSharing.none());

    /** Returns a setting with the order that it names. */
    public static Prefixes of(PrefixSharing setting) {
      return new Prefixes(
          setting,
          switch (setting.forgetting()) {
            case LEAST_RECENTLY_USED -> LeastRecentlyUsed::new;
            case EXPECTED_VALUE -> ExpectedValue::new;
          });
    }
  }

  /**
   * Listeners, and the executor of user code.
   *
   * @param listeners receive the events
   * @param callbacks runs user code: listeners, results and streams
   * @param buffer how many events may wait for a listener, at least 1
   */
  public record Events(
      List<EngineListener> listeners, java.util.concurrent.Executor callbacks, int buffer) {}

  /**
   * Bounds of steps and times.
   *
   * @param maxTokensPerStep token budget of a step, from 1 to the executor's
   * @param maxSequencesPerStep batch limit, from 1 to the executor's
   * @param predictionBudgetNanos time after which the fallback replaces a prediction, positive
   * @param tokenTimeNanos target for the time per output token, positive; {@link Long#MAX_VALUE}
   *     for none
   */
  public record Limits(
      int maxTokensPerStep,
      int maxSequencesPerStep,
      long predictionBudgetNanos,
      long tokenTimeNanos) {
    private static final int DEFAULT_STEP_TOKENS = 512;

    /**
     * Returns the default of the token budget of a step for an executor that decodes token by
     * token: 512, or the batch limit if that is more.
     *
     * @param maxSequencesPerStep batch limit, at least 1
     */
    public static int defaultStepTokens(int maxSequencesPerStep) {
      return Math.max(DEFAULT_STEP_TOKENS, maxSequencesPerStep);
    }
  }
}
