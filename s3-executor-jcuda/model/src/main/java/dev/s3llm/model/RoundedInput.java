package dev.s3llm.model;

/**
 * How a matrix product rounds the rows of its input to e4m3: each value times the reciprocal of a
 * scale is rounded to the nearest number of e4m3, at most 448 in magnitude. A NaN stays one.
 *
 * @param scaling what shares a scale
 * @param value the scale of {@link Scaling#FIXED}; else the largest magnitude for which a scale is
 *     made, infinite where there is none
 */
public record RoundedInput(Scaling scaling, float value) {
  /** A scale for each row: its largest magnitude divided by 448. */
  public static final RoundedInput ROW = new RoundedInput(Scaling.ROW, Float.POSITIVE_INFINITY);

  /** A scale for each row of {@link #GROUP_COLUMNS} columns: likewise. */
  public static final RoundedInput GROUP = new RoundedInput(Scaling.GROUP, Float.POSITIVE_INFINITY);

  /** Columns of a group. */
  public static final int GROUP_COLUMNS = 128;

  /** No scale that is made is less, so that a row of zeros has one, too. */
  private static final float LEAST_SCALE = 0x1p-100f;

  /** What shares a scale. */
  public enum Scaling {
    /** A row. */
    ROW,
    /** A row of {@link RoundedInput#GROUP_COLUMNS} columns. */
    GROUP,
    /** All rows, in every step. */
    FIXED
  }

  /**
   * Checks the value.
   *
   * @throws IllegalArgumentException if it is not positive, or a fixed scale is infinite
   */
  public RoundedInput {
    if (!(value > 0) || (scaling == Scaling.FIXED && Float.isInfinite(value))) {
      throw new IllegalArgumentException(
          "an input's scale must be positive and finite, but is " + value);
    }
  }

  /** Returns the rounding with one scale for all rows. */
  public static RoundedInput fixed(float scale) {
    return new RoundedInput(Scaling.FIXED, scale);
  }

  /** Returns the rounding that holds for matrices with the same input: the coarser of two. */
  RoundedInput joined(RoundedInput other) {
    return value >= other.value ? this : other;
  }

  /**
   * Rounds a row.
   *
   * @param from values
   * @param at index of the row's first value, in both arrays
   * @param columns values of the row
   * @param to receives the rounded values times their scale; may be {@code from}
   */
  public void round(float[] from, int at, int columns, float[] to) {
    int group = scaling == Scaling.GROUP ? GROUP_COLUMNS : columns;
    for (int first = at; first < at + columns; first += group) {
      int end = Math.min(at + columns, first + group);
      float scale = scaling == Scaling.FIXED ? value : scale(from, first, end);
      float inverse = 1 / scale;
      for (int i = first; i < end; i++) {
        to[i] = Float8.nearest(from[i] * inverse) * scale;
      }
    }
  }

  private float scale(float[] from, int first, int end) {
    float most = 0;
    for (int i = first; i < end; i++) {
      most = Math.max(most, Math.abs(from[i]));
    }
    return Math.max(LEAST_SCALE, Math.min(most, value) / Float8.MOST);
  }
}
