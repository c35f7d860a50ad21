package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.jcuda.internal.driver.Divide;

/**
 * The sizes of a step that decide its launches.
 *
 * @param rows new tokens
 * @param decodes sequences with one new token
 * @param longestDecode positions that the longest of these attends to; 0 where the launches do not
 *     depend on it
 * @param chunks sequences with several new tokens
 * @param longestChunk new tokens of the longest of these
 * @param sampled rows whose next token is drawn
 * @param shapes whether biases, penalties or a mask change the logits of a row
 * @param logs whether log probabilities of a row are requested
 */
public record StepShape(
    int rows,
    int decodes,
    int longestDecode,
    int chunks,
    int longestChunk,
    int sampled,
    boolean shapes,
    boolean logs) {
  private static final int[] CLASS_STEPS = {8, 64, 256, 512};

  /** Creates the sizes of a step that neither shapes logits nor returns log probabilities. */
  public StepShape(
      int rows, int decodes, int longestDecode, int chunks, int longestChunk, int sampled) {
    this(rows, decodes, longestDecode, chunks, longestChunk, sampled, false, false);
  }

  /** Returns whether every row decodes and samples, so that a captured graph can run the step. */
  public boolean decodesOnly() {
    return chunks == 0 && sampled == rows && rows > 0;
  }

  /**
   * Returns the class whose graph runs this step: a few more rows, which only pad, and the next
   * power of two of attention parts.
   *
   * @param maxRows rows that the buffers have room for
   * @param part positions of an attention part
   */
  public StepShape padded(int maxRows, int part) {
    int padded = Math.min(maxRows, rowClass(rows));
    int longest = partsClass(longestDecode, part) * part;
    return new StepShape(padded, padded, longest, 0, 0, padded, shapes, logs);
  }

  /** Returns the same step of decodes, with launches that do not depend on their contexts. */
  public StepShape ofAnyContext() {
    return new StepShape(rows, decodes, 0, chunks, longestChunk, sampled, shapes, logs);
  }

  /** Returns whether this is a step of decodes whose launches do not depend on their contexts. */
  public boolean anyContext() {
    return decodesOnly() && longestDecode == 0;
  }

  /**
   * Returns the number of attention parts of a context, rounded up to a power of two.
   *
   * @param positions positions of the context
   * @param part positions of a part
   */
  public static int partsClass(int positions, int part) {
    int parts = Divide.up(positions, part);
    return Integer.highestOneBit(Math.max(1, 2 * parts - 1));
  }

  /** Returns the next of 1, 2, 4, 8, and then of steps that grow with the rows. */
  static int rowClass(int rows) {
    if (rows <= CLASS_STEPS[0]) {
      return rows <= 1 ? 1 : Integer.highestOneBit(2 * rows - 1);
    }
    int step =
        rows <= CLASS_STEPS[1] ? 8 : rows <= CLASS_STEPS[2] ? 16 : rows <= CLASS_STEPS[3] ? 32 : 64;
    return Divide.up(rows, step) * step;
  }
}
