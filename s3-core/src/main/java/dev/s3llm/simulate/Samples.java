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

  /** Returns the mean and the quantiles of the values, divided by a unit. */
  Quantiles quantiles(double unit) {
    int size = (int) Math.min(count, values.length);
    return Quantiles.of(Arrays.stream(values, 0, size).map(value -> value / unit).toArray());
  }
}
