package dev.s3llm.cpu;

/** Inner loops that work on tiles of a packed matrix. */
abstract class TileArithmetic extends Arithmetic {
  /**
   * Decodes some columns of a tile to {@code [column][TILE]} floats, exactly as {@link
   * CpuMatrix#row} does, but for the sign of a zero.
   *
   * @param matrix a matrix that is not {@link Packing#FLOATS}
   * @param at index of the word at which the first column's unit begins
   * @param columns number of columns; rounded up to whole units
   * @param to receives the floats from index 0 on
   */
  abstract void decode(CpuMatrix matrix, int at, int columns, float[] to);

  /**
   * Multiplies one row with some columns of a tile without writing the decoded weights: bitwise
   * what {@link #decode} and {@link #multiply} give.
   *
   * @param at index of the word at which the first column's unit begins
   * @param columns number of columns, whole units
   * @return whether it did; if not, sums are as before
   */
  abstract boolean multiplyPacked(
      CpuMatrix matrix, int at, int columns, float[] in, int inAt, float[] sums, int sumsAt);

  @Override
  final MatrixProduct product(WorkerPool workers) {
    return new TileProduct(this, workers);
  }
}
