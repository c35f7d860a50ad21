package dev.s3llm.examples.cli.support;

import java.util.Arrays;

/** Reads, checks and summarises numbers. */
public final class Numbers {
  private Numbers() {}

  /**
   * Parses a number that is part of an option's value.
   *
   * @param text the part
   * @return the number; NaN if the text is not a number
   */
  public static double orNaN(String text) {
    try {
      return Double.parseDouble(text.strip());
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  /**
   * Checks the least value of an option.
   *
   * @param option the option's name
   * @param least the least value allowed
   * @param value the option's value
   * @throws UsageException if the value is too small
   */
  public static void requireAtLeast(String option, int least, int value) {
    if (value < least) {
      throw new UsageException("%s must be at least %d, but is %d".formatted(option, least, value));
    }
  }

  /**
   * Returns the middle one of some values in ascending order, the higher one of two.
   *
   * @param values one or more values, in any order
   * @return the median
   */
  public static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /**
   * Formats a number without a fraction of zero: 1 for 1.0.
   *
   * @param value the number
   * @return the text
   */
  public static String plain(double value) {
    String text = Double.toString(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
