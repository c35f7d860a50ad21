package dev.s3llm.examples.cli;

import java.util.Arrays;

/** A measurement of many requests, from which quantiles are read. Keeps the first million. */
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

  /** By nearest rank; NaN where nothing was measured. */
  double[] quantiles(double[] probabilities) {
    float[] sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    return Arrays.stream(probabilities)
        .map(p -> count == 0 ? Double.NaN : sorted[Math.max(0, (int) Math.ceil(p * count) - 1)])
        .toArray();
  }
}
