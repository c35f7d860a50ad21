package dev.s3llm.jcuda;

/**
 * What decides how a step is launched.
 *
 * @param rows new tokens
 * @param decodes sequences with one new token
 * @param longestDecode positions that the longest of those attends to
 * @param chunks sequences with several new tokens
 * @param longestChunk new tokens of the longest of those
 * @param sampled rows whose next token is drawn
 */
record StepShape(
    int rows, int decodes, int longestDecode, int chunks, int longestChunk, int sampled) {
  private static final int[] CLASS_STEPS = {8, 64, 256, 512};

  /** Whether every row decodes and samples, so that a captured graph can run it. */
  boolean decodesOnly() {
    return chunks == 0 && sampled == rows && rows > 0;
  }

  /**
   * The class whose graph runs this step: a few more rows, which only pad, and the next power of
   * two of attention parts.
   *
   * @param maxRows rows that there is room for
   * @param part positions of an attention part
   */
  StepShape padded(int maxRows, int part) {
    int padded = Math.min(maxRows, rowClass(rows));
    int parts = (longestDecode + part - 1) / part;
    int partsClass = Integer.highestOneBit(Math.max(1, 2 * parts - 1));
    return new StepShape(padded, padded, partsClass * part, 0, 0, padded);
  }

  /** 1, 2, 4, 8, then in steps that grow with the rows. */
  static int rowClass(int rows) {
    if (rows <= CLASS_STEPS[0]) {
      return rows <= 1 ? 1 : Integer.highestOneBit(2 * rows - 1);
    }
    int step =
        rows <= CLASS_STEPS[1] ? 8 : rows <= CLASS_STEPS[2] ? 16 : rows <= CLASS_STEPS[3] ? 32 : 64;
    return (rows + step - 1) / step * step;
  }
}
