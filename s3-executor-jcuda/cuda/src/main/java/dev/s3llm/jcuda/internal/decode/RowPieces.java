package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import java.util.stream.IntStream;

/**
 * Rows of a matrix in pieces that threads take side by side.
 *
 * @param rows number of rows
 * @param step rows of a piece; the last may have fewer
 */
record RowPieces(int rows, int step) {
  /** Elements of a piece: enough that its hand-over does not count, few enough for many threads. */
  private static final int ELEMENTS = 1 << 18;

  /** Formats that pack outputs have eight in a word. */
  private static final int EIGHT = 8;

  /** What is done with a piece. */
  @FunctionalInterface
  interface Work {
    /**
     * Does it.
     *
     * @param first index of the first row
     * @param count number of rows
     */
    void run(int first, int count);
  }

  /** Returns the pieces of some rows. */
  static RowPieces of(int rows, int columns) {
    return new RowPieces(rows, EIGHT * Math.max(1, ELEMENTS / columns / EIGHT));
  }

  /**
   * Does some work for each piece, on the common pool of the JVM; returns when all is done.
   *
   * @throws RuntimeException the first that the work throws
   */
  void forEach(Work work) {
    IntStream.range(0, Divide.up(rows, step))
        .parallel()
        .forEach(i -> work.run(i * step, Math.min(step, rows - i * step)));
  }
}
