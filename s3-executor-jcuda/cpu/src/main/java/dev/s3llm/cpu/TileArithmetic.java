package dev.s3llm.cpu;

/** Inner loops that work on tiles of a packed matrix. */
abstract class TileArithmetic extends Arithmetic {
  /**
   * Decodes some columns of a tile to {@code [column][TILE]} floats, exactly as {@link
   * CpuMatrix#row} does, but for the sign of a zero.
   *
   * @param matrix a matrix that is not {@link Packing#FLOATS}
   * @param tile the tile
   * @param column the first column, at which a unit begins
   * @param columns number of columns; rounded up to whole units
   * @param to receives the floats from index 0 on
   * @param memory of the calling thread
   */
  abstract void decode(
      CpuMatrix matrix, int tile, int column, int columns, float[] to, Memory memory);

  /**
   * Multiplies one row with some columns of a tile without writing the decoded weights: bitwise
   * what {@link #decode} and {@link #multiply} give.
   *
   * @param tile the tile
   * @param column the first column, at which a unit begins
   * @param columns number of columns, whole units
   * @param sums receives {@code [TILE]} sums from index 0 on
   * @param memory of the calling thread
   * @return whether it did; if not, sums are as before
   */
  abstract boolean multiplyPacked(
      CpuMatrix matrix,
      int tile,
      int column,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      Memory memory);

  /** What decoding quantised columns needs beside its result. */
  static final class Memory {
    /** Scales and minima: {@code [half block][scale, minimum][TILE]}. */
    final float[] factors;

    /** The integers of a block, each in a byte: {@code [word][TILE]}. */
    final int[] codes = new int[Packing.BLOCK / Integer.BYTES * CpuMatrix.TILE];

    /**
     * Allocates the memory.
     *
     * @param columns most columns of a call
     */
    Memory(int columns) {
      factors = new float[columns / Packing.HALF_BLOCK * 2 * CpuMatrix.TILE];
    }
  }

  @Override
  final MatrixProduct product(WorkerPool workers) {
    return new TileProduct(this, workers);
  }
}
