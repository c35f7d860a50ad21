package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.model.Codes;
import org.jspecify.annotations.Nullable;

/**
 * Which steps of decodes are faster in one launch than in a launch for each part, as measured on
 * H200; the figures are in docs/gpu-figures.md. The choice changes no bit.
 *
 * <p>One launch saves a layer a time that does not depend on the layer's size. Its attention is
 * slower for each position, its products with codes for each weight, and its exchange with other
 * cards for each row; so all have a limit.
 *
 * @param kvHeads key heads, on this card
 * @param mostRows most rows
 * @param mostUnits most units of 64 positions of all rows and key heads
 */
record StepLimits(int kvHeads, int mostRows, long mostUnits) {
  private static final int UNIT_POSITIONS = 64;

  private static final int UNITS_OF_A_MULTIPROCESSOR = 32;

  private static final int ROWS_OF_CARDS = 4;

  private static final long MILLION = 1_000_000;

  /**
   * Returns the limits of a model on a device.
   *
   * @param kvHeads key heads, on this card
   * @param weights weights of a layer, on this card
   * @param format format of the weights' codes; null for 16 bits
   * @param ofCards whether cards have a part of every layer each
   * @param blocks multiprocessors of the device
   */
  static StepLimits of(
      int kvHeads, long weights, @Nullable CodeFormat format, boolean ofCards, int blocks) {
    int rows = format == null ? StepKernels.MOST_ROWS : rows(format.codes().kind(), weights);
    return new StepLimits(
        kvHeads,
        ofCards ? Math.min(rows, ROWS_OF_CARDS) : rows,
        (long) UNITS_OF_A_MULTIPROCESSOR * blocks);
  }

  /** Returns the most rows of a step by the weights of a layer, in millions at most. */
  private static int rows(Codes.Kind kind, long weights) {
    return switch (kind) {
      case UNSIGNED_4 -> rows(weights, 500, 350, 100);
      case E4M3 -> rows(weights, 300, 250, 0);
      case SIGNED_8 -> rows(weights, 200, 100, 100);
      case E2M1 -> 0; // no kernel reads them
    };
  }

  /** Returns the rows of the largest kernel that is allowed so many weights. */
  private static int rows(long weights, int ofOneRow, int ofEight, int ofSixteen) {
    if (weights <= ofSixteen * MILLION) {
      return 16;
    }
    return weights <= ofEight * MILLION ? 8 : weights <= ofOneRow * MILLION ? 1 : 0;
  }

  /**
   * Returns whether a step is one launch.
   *
   * @param rows rows of the step, with those that pad it
   * @param longest positions that the longest row attends to
   */
  boolean allow(int rows, int longest) {
    return rows <= mostRows
        && (long) rows * kvHeads * Divide.up(longest, UNIT_POSITIONS) <= mostUnits;
  }
}
