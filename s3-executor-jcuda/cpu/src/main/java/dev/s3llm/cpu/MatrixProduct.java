package dev.s3llm.cpu;

/**
 * Multiplies the rows of a batch with a matrix. Every sum is added in an order that depends on the
 * matrix alone, so results are bitwise the same in any batch and on any number of threads. For one
 * calling thread at a time.
 */
interface MatrixProduct {
  /** Multiplications below which more threads make a product slower. */
  long WORTH_SHARING = 50_000;

  /**
   * Computes {@code out[r] = matrix * in[r] (+ bias)}.
   *
   * @param matrix the matrix, with its bias if it has one
   * @param in {@code [rows][matrix.in()]}
   * @param rows number of rows
   * @param out receives {@code [rows][matrix.out()]}
   */
  void multiply(CpuMatrix matrix, float[] in, int rows, float[] out);
}
