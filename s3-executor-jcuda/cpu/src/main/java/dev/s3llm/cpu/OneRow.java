package dev.s3llm.cpu;

import java.util.Arrays;

/**
 * Sums of quantised blocks for a batch of one row, without decoded weights: decoding would take
 * most of the time.
 *
 * <p>A byte has two four-bit integers. For each pair of columns a table has the 256 sums of their
 * two products, and all outputs share it, so one access takes the place of decoding, two
 * multiplications and an addition. T-MAC (arXiv 2407.00088) has tables for one bit of several
 * columns instead. Tables for pairs are larger, but need no other arrangement of the weights, and
 * their entries are rounded as the sums in {@link WideProduct} are.
 */
final class OneRow {
  private static final int TILE = CpuMatrix.TILE;
  private static final int BLOCK = BlockDecoder.BLOCK;
  private static final int HALF = BLOCK / 2;

  /** Values of a byte. */
  private static final int BYTE = 256;

  private final WorkerPool workers;

  /** Tables of columns {@code 32 b + c} and {@code 32 b + c + 16} at {@code 16 b + c}. */
  private float[][] tables = {};

  /** The row that the tables are of: products of the same row, side by side, share them. */
  private float[] prepared = {};

  OneRow(WorkerPool workers) {
    this.workers = workers;
  }

  /**
   * Computes the tables of a row.
   *
   * @param matrix the quantised matrix that the row is multiplied with
   * @param in the row, from index 0
   * @param worthSharing whether the pool's threads take part
   */
  void prepare(CpuMatrix matrix, float[] in, boolean worthSharing) {
    if (matrix.packing == Packing.BYTES) {
      return;
    }
    int columns = matrix.in();
    if (Arrays.equals(prepared, 0, prepared.length, in, 0, columns)) {
      return;
    }
    prepared = new float[0]; // until all tables are of this row
    int pairs = columns / 2;
    if (tables.length < pairs) {
      int had = tables.length;
      tables = Arrays.copyOf(tables, pairs);
      Arrays.setAll(tables, i -> i < had ? tables[i] : new float[BYTE]);
    }
    workers.forEach(
        pairs / HALF,
        worthSharing,
        (thread, b) -> {
          for (int c = 0; c < HALF; c++) {
            int column = b * BLOCK + c;
            fill(tables[b * HALF + c], in[column], in[column + HALF]);
          }
        });
    prepared = Arrays.copyOf(in, columns);
  }

  /** {@code table[i + 16 * j] = i * low + j * high}. */
  private static void fill(float[] table, float low, float high) {
    for (int i = 0; i < 16; i++) {
      table[i] = i * low;
    }
    for (int j = 15; j >= 0; j--) {
      float product = j * high;
      for (int i = 0; i < 16; i++) {
        table[16 * j + i] = table[i] + product;
      }
    }
  }

  /**
   * Adds a block's products with its integers, in the order of {@link WideProduct}.
   *
   * @param matrix the matrix of {@link #prepare}
   * @param tile the first tile
   * @param tiles number of tiles
   * @param column the block's first column
   * @param in the row, from index 0
   * @param sums receives sums of the tiles' outputs from index 0 on
   */
  void addBlock(CpuMatrix matrix, int tile, int tiles, int column, float[] in, float[] sums) {
    for (int t = 0; t < tiles; t++) {
      int at = matrix.integers(tile + t, column);
      int to = t * TILE;
      if (matrix.packing == Packing.BYTES) {
        for (int w = 0; w < 4; w++) {
          bytes(matrix.words, at + w * TILE, in, column + 4 * w, sums, to);
        }
      } else {
        for (int w = 0; w < 4; w++) {
          nibbles(matrix.words, at + w * TILE, tables, column / 2 + 4 * w, sums, to);
        }
      }
    }
  }

  /** Returns whether blocks of a format are summed here. */
  static boolean handles(Packing packing) {
    return packing.scaledByBlock() && packing.integers() && packing.bits() != 5;
  }

  private static void nibbles(
      int[] words, int at, float[][] tables, int first, float[] sums, int to) {
    float[] a = tables[first];
    float[] b = tables[first + 1];
    float[] c = tables[first + 2];
    float[] d = tables[first + 3];
    for (int lane = 0; lane < TILE; lane++) {
      int word = words[at + lane];
      float sum = sums[to + lane] + (a[word & 255] + b[word >>> 8 & 255]);
      sums[to + lane] = sum + (c[word >>> 16 & 255] + d[word >>> 24]);
    }
  }

  private static void bytes(int[] words, int at, float[] in, int column, float[] sums, int to) {
    float a = in[column];
    float b = in[column + 1];
    float c = in[column + 2];
    float d = in[column + 3];
    float e = in[column + HALF];
    float f = in[column + HALF + 1];
    float g = in[column + HALF + 2];
    float h = in[column + HALF + 3];
    for (int lane = 0; lane < TILE; lane++) {
      int low = words[at + lane];
      int high = words[at + 4 * TILE + lane];
      float sum =
          sums[to + lane]
              + ((a * integer(low) + e * integer(high))
                  + (b * integer(low >>> 8) + f * integer(high >>> 8)));
      sums[to + lane] =
          sum
              + ((c * integer(low >>> 16) + g * integer(high >>> 16))
                  + (d * integer(low >>> 24) + h * integer(high >>> 24)));
    }
  }

  private static float integer(int word) {
    return BlockDecoder.BYTES[word & 255];
  }
}
