package dev.s3llm.memory;

/**
 * Learns what one more computed token costs, as a share of what a produced token costs: near 0
 * where a step's time is that of reading the weights, near 1 where it is that of computing.
 *
 * <p>A fading least-squares line through time and computed tokens of recent steps. Its slope is the
 * price of a token more in a step; the mean time of a step over the mean tokens produced is the
 * price of a token on average. Prefills make the tokens of a step vary; while they do not, the last
 * slope's sums simply fade together and the slope stays. Not thread-safe.
 */
final class TokenCost {
  private static final double RETAIN = 1 - 1.0 / 500;

  /** Steps before the line means anything. */
  private static final double LEAST_STEPS = 30;

  /** The slope is trusted where the tokens of steps vary by at least this share of their mean. */
  private static final double LEAST_VARIATION = 1e-3;

  private double weight;
  private double produced;
  private double tokens;
  private double nanos;
  private double squaredTokens;
  private double tokensByNanos;

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

  /** From 0, free, to 1, as dear as a token produced; 1 until known. */
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
