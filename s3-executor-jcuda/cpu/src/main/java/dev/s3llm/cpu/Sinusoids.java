package dev.s3llm.cpu;

import java.util.Arrays;

/**
 * Sines and cosines of numbers, as a transformer adds them to its rows: the first half of a row
 * holds {@code sin(n * rate)}, the second half {@code cos(n * rate)}. Rows are computed at first
 * use. For one thread.
 */
final class Sinusoids {
  private final float[] rates;
  private final int width;
  private float[] rows = {};
  private int count;

  /**
   * Creates the sinusoids.
   *
   * @param width width of a row, even
   * @param base rate {@code i} is {@code base^(-i / (width / 2))}
   */
  Sinusoids(int width, double base) {
    this.width = width;
    this.rates = new float[width / 2];
    for (int i = 0; i < rates.length; i++) {
      rates[i] = (float) Math.pow(base, -(double) i / rates.length);
    }
  }

  /** Adds the row of a number, at least 0, to the floats from an index on. */
  void add(int number, float[] to, int at) {
    extend(number + 1);
    int from = number * width;
    for (int i = 0; i < width; i++) {
      to[at + i] += rows[from + i];
    }
  }

  private void extend(int needed) {
    if (needed <= count) {
      return;
    }
    if (rows.length < needed * width) {
      rows = Arrays.copyOf(rows, Math.multiplyExact(Math.max(needed, 2 * count), width));
    }
    for (; count < needed; count++) {
      for (int i = 0; i < rates.length; i++) {
        float angle = count * rates[i];
        rows[count * width + i] = (float) Math.sin(angle);
        rows[count * width + rates.length + i] = (float) Math.cos(angle);
      }
    }
  }
}
