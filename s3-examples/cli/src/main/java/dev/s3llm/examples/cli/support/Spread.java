package dev.s3llm.examples.cli.support;

import java.util.Arrays;
import java.util.Locale;

/**
 * The median of some values and their range.
 *
 * @param median the middle value, the higher one of two
 * @param least the least value
 * @param most the largest value
 */
public record Spread(double median, double least, double most) {

  /**
   * Returns the spread of some values.
   *
   * @param values one or more values, in any order
   * @return their median and range
   */
  public static Spread of(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Spread(Numbers.median(values), sorted[0], sorted[sorted.length - 1]);
  }

  /**
   * Formats the spread with about three digits, such as {@code 2.50 (2.40 to 2.61)}; the median
   * alone if all values are equal.
   */
  @Override
  public String toString() {
    return least == most
        ? format(median)
        : format(median) + " (" + format(least) + " to " + format(most) + ")";
  }

  private static String format(double value) {
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
