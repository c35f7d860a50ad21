package dev.s3llm.execute;

import com.google.common.base.Preconditions;

/**
 * The time that it takes to bring a preempted sequence back. Recovery chooses the cheaper way by
 * these costs, and planners decide by them how often a preemption is acceptable. Immutable and
 * thread-safe.
 *
 * @param swapNanosPerBlock nanoseconds to copy one KV block to host memory and back; 0 if unknown
 * @param recomputeNanosPerToken nanoseconds that the prefill of one token adds to a step, 0 or more
 */
public record RecoveryCosts(double swapNanosPerBlock, double recomputeNanosPerToken) {

  /** Unknown costs. Swapping counts as free, so recovery swaps as long as host memory has room. */
  public static final RecoveryCosts UNKNOWN = new RecoveryCosts(0, 1);

  /**
   * Validates the costs.
   *
   * @throws IllegalArgumentException if a cost is negative or not finite
   */
  public RecoveryCosts {
    requireCost("swapNanosPerBlock", swapNanosPerBlock);
    requireCost("recomputeNanosPerToken", recomputeNanosPerToken);
  }

  private static void requireCost(String name, double nanos) {
    Preconditions.checkArgument(
        nanos >= 0 && nanos < Double.POSITIVE_INFINITY,
        "%s must be finite and not negative, but is %s",
        name,
        nanos);
  }

  /**
   * Returns the nanoseconds to copy blocks to host memory and back.
   *
   * @param blocks number of KV blocks, 0 or more
   */
  public double swapNanos(int blocks) {
    return blocks * swapNanosPerBlock;
  }

  /**
   * Returns the nanoseconds to compute the KV of tokens again.
   *
   * @param tokens number of tokens, 0 or more
   */
  public double recomputeNanos(int tokens) {
    return tokens * recomputeNanosPerToken;
  }

  /**
   * Returns the cost of a swap out and in, expressed as the number of tokens whose prefill takes as
   * long. If a cost is unknown, the swap counts as much as the prefill of the sequence's tokens.
   *
   * @param tokens tokens whose KV is swapped, 0 or more
   * @param blocks KV blocks that hold these tokens, 0 or more
   */
  public double swapTokens(int tokens, int blocks) {
    boolean known = swapNanosPerBlock > 0 && recomputeNanosPerToken > 0;
    return known ? swapNanos(blocks) / recomputeNanosPerToken : tokens;
  }
}
