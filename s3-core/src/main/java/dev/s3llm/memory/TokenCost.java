package dev.s3llm.memory;

/**
 * The cost of one more computed token, as a share of the average cost of a produced token. It is
 * near 0 if reading the weights determines the time of a step, and near 1 if computing does.
 *
 * <p>The cost is learned by a least-squares line through time and computed tokens of recent steps;
 * older steps lose weight exponentially. The slope is the cost of one more token in a step. The
 * mean time of a step over its mean produced tokens is the average cost. Prefills make the tokens
 * of a step vary. While they do not vary, the sums behind the slope fade together, so the slope
 * stays until the remembered variation is too small to use. Not thread-safe.
 */
final class TokenCost {
  /** Share of its weight that a step keeps when another follows: a memory of 500 steps. */
  private static final double RETAIN = 1 - 1.0 / 500;

  /** Weight of the steps that the slope needs. */
  private static final double LEAST_STEPS = 30;

  /** Least standard deviation of the tokens of steps that the slope needs, over their mean. */
  private static final double LEAST_VARIATION = 1e-3;

  private double weight;
  private double produced;
  private double tokens;
  private double nanos;
  private double squaredTokens;
  private double tokensByNanos;

  /** Adds a step. */
  void observe(MemoryPlanner.StepCost step) {
    double computed = step.computedTokens();
    double time = step.nanos();
    weight = weight * RETAIN + 1;
    produced = produced * RETAIN + step.producedTokens();
    tokens = tokens * RETAIN + computed;
    nanos = nanos * RETAIN + time;
    squaredTokens = squaredTokens * RETAIN + computed * computed;
    tokensByNanos = tokensByNanos * RETAIN + computed * time;
  }

  /**
   * Returns the share, from 0 (free) to 1 (as expensive as a produced token). It is 1 while the
   * steps do not vary enough to know it.
   */
  double share() {
    double mean = tokens / weight;
    double variance = squaredTokens / weight - mean * mean;
    if (weight < LEAST_STEPS || produced <= 0 || nanos <= 0 || variance <= varianceFloor(mean)) {
      return 1;
    }
    double slope = (tokensByNanos / weight - mean * nanos / weight) / variance;
    return Math.max(0, Math.min(1, slope * produced / nanos));
  }

  private static double varianceFloor(double mean) {
    return LEAST_VARIATION * LEAST_VARIATION * mean * mean;
  }
}
