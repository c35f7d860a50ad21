package dev.s3llm.cpu;

import java.util.Arrays;

/**
 * Products of matrices with vector instructions: a tile at a time is decoded for a part of the
 * batch, or multiplied as it is packed for one row.
 */
final class TileProduct implements MatrixProduct {
  /**
   * Columns whose products are summed by themselves, so that rounding errors of long rows stay
   * small.
   */
  private static final int CHUNK = 128;

  /** Rows of a batch that share a decoded tile. */
  private static final int ROWS_PER_PART = 128;

  private final TileArithmetic arithmetic;
  private final WorkerPool workers;
  private final Scratch[] scratch;

  TileProduct(TileArithmetic arithmetic, WorkerPool workers) {
    this.arithmetic = arithmetic;
    this.workers = workers;
    this.scratch = new Scratch[workers.threads()];
    Arrays.setAll(scratch, thread -> new Scratch());
  }

  @Override
  public void multiply(CpuMatrix matrix, float[] in, int rows, float[] out) {
    int parts = (rows + ROWS_PER_PART - 1) / ROWS_PER_PART;
    long work = (long) rows * matrix.in() * matrix.out();
    workers.forEach(
        Math.multiplyExact(matrix.tiles(), parts),
        work >= WORTH_SHARING,
        (thread, item) -> {
          int from = item % parts * ROWS_PER_PART;
          int to = Math.min(rows, from + ROWS_PER_PART);
          multiplyTile(matrix, item / parts, in, from, to, out, scratch[thread]);
        });
  }

  private void multiplyTile(
      CpuMatrix matrix, int tile, float[] in, int from, int to, float[] out, Scratch scratch) {
    int first = tile * CpuMatrix.TILE;
    int width = Math.min(CpuMatrix.TILE, matrix.out() - first);
    float[] sums = scratch.sums;
    Arrays.fill(sums, 0, (to - from) * CpuMatrix.TILE, 0);
    if (matrix.bias != null) {
      for (int r = 0; r < to - from; r++) {
        System.arraycopy(matrix.bias, first, sums, r * CpuMatrix.TILE, width);
      }
    }
    for (int column = 0; column < matrix.in(); column += CHUNK) {
      addChunk(matrix, tile, column, in, from, to, scratch);
    }
    for (int r = from; r < to; r++) {
      System.arraycopy(sums, (r - from) * CpuMatrix.TILE, out, r * matrix.out() + first, width);
    }
  }

  private void addChunk(
      CpuMatrix matrix, int tile, int column, float[] in, int from, int to, Scratch scratch) {
    int width = matrix.in();
    int columns = Math.min(CHUNK, width - column);
    int x = from * width + column;
    if (to - from == 1
        && arithmetic.multiplyPacked(
            matrix, tile, column, columns, in, x, scratch.sums, scratch.memory)) {
      return;
    }
    float[] weights = scratch.weights;
    int at = 0;
    if (matrix.packing == Packing.FLOATS) {
      weights = matrix.floats;
      at = matrix.unit(tile, column);
    } else {
      arithmetic.decode(matrix, tile, column, columns, weights, scratch.memory);
    }
    int stride = CpuMatrix.TILE;
    arithmetic.multiplyAll(
        weights, at, stride, stride, columns, in, x, width, to - from, scratch.sums, stride);
  }

  /** Memory of one thread. */
  private static final class Scratch {
    final float[] weights = new float[CHUNK * CpuMatrix.TILE];
    final TileArithmetic.Memory memory = new TileArithmetic.Memory(CHUNK);
    final float[] sums = new float[ROWS_PER_PART * CpuMatrix.TILE];
  }
}
