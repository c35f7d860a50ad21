package dev.s3llm.memory;

import java.util.function.ToIntFunction;

/**
 * Planners that know the true output lengths, which is possible in a simulation alone: the limits
 * of what predictions can gain.
 */
public final class KnownLengthPlanners {
  private KnownLengthPlanners() {}

  /**
   * Returns a planner that reserves the prompt and the true output length: the upper bound of the
   * paper (S3, NeurIPS 2023) for static reservations. Thread-safe if the function is.
   *
   * @param trueOutputTokens the true output length in tokens, by request id
   */
  public static MemoryPlanner oracle(ToIntFunction<String> trueOutputTokens) {
    return new OraclePlanner(trueOutputTokens);
  }

  /**
   * Returns a planner that admits while the batch's future peak fits, by the true lengths: the
   * upper bound for planners that forecast. Sequences take blocks as they fill them, and none is
   * ever preempted for lack of memory. Not thread-safe.
   *
   * @param trueOutputTokens the true output length in tokens, by request id
   */
  public static MemoryPlanner clairvoyant(ToIntFunction<String> trueOutputTokens) {
    return new ClairvoyantPlanner(trueOutputTokens);
  }
}
