package dev.s3llm.memory;

import java.util.function.ToIntFunction;

/**
 * Memory planners that know the true output lengths. Only a simulation knows these lengths; the
 * planners show how much perfect predictions would gain.
 */
public final class KnownLengthPlanners {
  private KnownLengthPlanners() {}

  /**
   * Returns a planner that reserves the prompt and the true output length: the upper bound of the
   * paper (S3, NeurIPS 2023) for static reservations. Thread-safe if the function is.
   *
   * @param trueOutputTokens returns the true output length in tokens, at least 1, by request id
   */
  public static MemoryPlanner oracle(ToIntFunction<String> trueOutputTokens) {
    return new OraclePlanner(trueOutputTokens);
  }

  /**
   * Returns a planner that admits a sequence if the future peak of the batch, computed from the
   * true lengths, fits into memory: the upper bound for planners that forecast. Sequences take
   * blocks as they fill them, and none is ever preempted for lack of memory. Not thread-safe.
   *
   * @param trueOutputTokens returns the true output length in tokens, at least 1, by request id
   */
  public static MemoryPlanner clairvoyant(ToIntFunction<String> trueOutputTokens) {
    return new ClairvoyantPlanner(trueOutputTokens);
  }
}
