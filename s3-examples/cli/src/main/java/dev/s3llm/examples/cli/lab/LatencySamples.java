package dev.s3llm.examples.cli.lab;

import java.util.Arrays;

/** Latencies of many requests, of which the first million are kept. Not thread-safe. */
final class LatencySamples {
  private static final int LIMIT = 1_000_000;

  private float[] values = new float[1024];
  private int count;

  void add(double value) {
    if (count == values.length && count < LIMIT) {
      values = Arrays.copyOf(values, Math.min(LIMIT, 2 * count));
    }
    if (count < values.length) {
      values[count++] = (float) value;
    }
  }

  /**
   * Returns quantiles by nearest rank.
   *
   * @param probabilities each above 0 and below 1
   * @return the quantiles; NaN if there are no samples
   */
  double[] quantiles(double[] probabilities) {
    float[] sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    return Arrays.stream(probabilities)
        .map(p -> count == 0 ? Double.NaN : sorted[Math.max(0, (int) Math.ceil(p * count) - 1)])
        .toArray();
  }
}
