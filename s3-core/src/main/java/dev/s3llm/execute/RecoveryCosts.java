package dev.s3llm.execute;

/**
 * What it costs to bring a preempted sequence back, so that recovery can choose the cheaper way,
 * and planners know how much of it to risk.
 *
 * @param swapNanosPerBlock time to copy one KV block out and in again; 0 if it is not known
 * @param recomputeNanosPerToken time that prefilling one token adds to a step
 */
public record RecoveryCosts(double swapNanosPerBlock, double recomputeNanosPerToken) {

  /** Both costs unknown: recovery recomputes only when it cannot swap. */
  public static final RecoveryCosts UNKNOWN = new RecoveryCosts(0, 1);

  /** Validates that both are finite and not negative. */
  public RecoveryCosts {
    if (!(swapNanosPerBlock >= 0 && swapNanosPerBlock < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "swapNanosPerBlock must be finite and not negative, but is " + swapNanosPerBlock);
    }
    if (!(recomputeNanosPerToken >= 0 && recomputeNanosPerToken < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "recomputeNanosPerToken must be finite and not negative, but is "
              + recomputeNanosPerToken);
    }
  }

  /** Time to swap a sequence out and in again whose KV is in this many blocks. */
  public double swapNanos(int blocks) {
    return blocks * swapNanosPerBlock;
  }

  /** Time to compute the KV of this many tokens again. */
  public double recomputeNanos(int tokens) {
    return tokens * recomputeNanosPerToken;
  }

  /**
   * What it costs to swap a sequence out and in again, in tokens to prefill; as much as prefilling
   * its tokens where no cost of swapping is known.
   *
   * @param tokens whose KV is swapped
   * @param blocks that hold it
   */
  public double swapTokens(int tokens, int blocks) {
    boolean known = swapNanosPerBlock > 0 && recomputeNanosPerToken > 0;
    return known ? swapNanos(blocks) / recomputeNanosPerToken : tokens;
  }
}
