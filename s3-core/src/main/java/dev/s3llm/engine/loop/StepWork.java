package dev.s3llm.engine.loop;

import dev.s3llm.memory.MemoryPlanner.StepCost;

/**
 * What one step computes and what its preemptions lose, counted while the step is launched. Planner
 * and step-time model receive these numbers when the step has ended.
 */
final class StepWork {
  private int newTokens;
  private int decodes;
  private long kvTokens;
  private int lostTokens;
  private double recoveryTokens;

  /**
   * Counts a sequence's part in the step.
   *
   * @param tokens positions that it computes, at least 1; one counts as a decode, and more, those
   *     of a canvas included, as a prefill
   * @param contextTokens positions that it attends to, those included
   */
  void computes(int tokens, int contextTokens) {
    newTokens += tokens;
    decodes += tokens == 1 ? 1 : 0;
    kvTokens += contextTokens;
  }

  /**
   * Counts a preemption.
   *
   * @param tokens tokens whose KV leaves the device
   * @param costTokens the cost to bring them back, in tokens to prefill
   */
  void loses(int tokens, double costTokens) {
    lostTokens += tokens;
    recoveryTokens += costTokens;
  }

  /** Returns the number of tokens that the step computes. */
  int newTokens() {
    return newTokens;
  }

  /** Returns the number of sequences that compute one token. */
  int decodes() {
    return decodes;
  }

  /** Returns the number of tokens in prefill chunks of more than one token. */
  int prefilledTokens() {
    return newTokens - decodes;
  }

  /** Returns the number of tokens that all sequences of the step attend to. */
  long kvTokens() {
    return kvTokens;
  }

  /**
   * Returns the cost of the step, now that it has ended.
   *
   * @param producedTokens output tokens that it sampled
   * @param nanos time from its launch to its end
   */
  StepCost cost(int producedTokens, long nanos) {
    return new StepCost(producedTokens, newTokens, lostTokens, recoveryTokens, nanos);
  }
}
