package dev.s3llm.simulate;

import dev.s3llm.simulate.SimulationResult.Quantiles;
import java.util.Arrays;

/** The latest million values of a measurement. Not thread-safe. */
final class Samples {
  private static final int LIMIT = 1_000_000;

  private double[] values = new double[1024];
  private long count;

  void add(double value) {
    if (count == values.length && count < LIMIT) {
      values = Arrays.copyOf(values, Math.min(LIMIT, 2 * values.length));
    }
    values[(int) (count++ % values.length)] = value;
  }

  /** Returns the mean and the quantiles (nearest rank) of the values, divided by a unit. */
  Quantiles quantiles(double unit) {
    double[] sorted = Arrays.copyOf(values, (int) Math.min(count, values.length));
    Arrays.sort(sorted);
    double mean = Arrays.stream(sorted).average().orElse(Double.NaN);
    return new Quantiles(mean / unit, at(sorted, 0.5) / unit, at(sorted, 0.99) / unit);
  }

  private static double at(double[] sorted, double p) {
    return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(p * sorted.length) - 1];
  }
}
