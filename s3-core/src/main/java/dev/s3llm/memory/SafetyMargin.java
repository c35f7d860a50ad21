package dev.s3llm.memory;

/**
 * How many standard deviations the forecast keeps free, steered by what happens: tokens whose KV
 * was lost to preemptions raise it, tokens produced lower it, so that in the long run the lost are
 * a set share of the produced.
 *
 * <p>Stability. Let z change by {@code GAIN * (lost - share * produced) / capacity}, all in tokens.
 * The share lost falls as z rises (more is kept free), so the expected change is a decreasing
 * function of z with one zero: the fixed point attracts. A step cannot overshoot far, because one
 * preemption loses at most one sequence's context, which moves z by at most {@code GAIN} times that
 * context's share of memory, and because z is bounded. Errors that hit a whole burst at once raise
 * z with the first preemptions, before the rest of the burst is admitted.
 *
 * <p>Not thread-safe.
 */
final class SafetyMargin {
  private static final double GAIN = 8;
  private static final double LEAST = 0.25;
  private static final double MOST = 8;

  private final double lossShare;
  private double z = 2;

  /**
   * Creates the margin.
   *
   * @param lossShare tokens that may be lost to preemptions, over tokens produced
   */
  SafetyMargin(double lossShare) {
    this.lossShare = lossShare;
  }

  double deviations() {
    return z;
  }

  void produced(long tokens, double capacityTokens) {
    change(-GAIN * lossShare * tokens / capacityTokens);
  }

  void lost(long tokens, double capacityTokens) {
    change(GAIN * tokens / capacityTokens);
  }

  private void change(double by) {
    z = Math.max(LEAST, Math.min(MOST, z + by));
  }
}
