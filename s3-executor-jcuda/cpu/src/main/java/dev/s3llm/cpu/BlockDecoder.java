package dev.s3llm.cpu;

import java.util.Arrays;

/** Decoded weights of a block of columns of consecutive tiles. */
final class BlockDecoder {
  /** Columns of a block: as many as a quantised block has. */
  static final int BLOCK = Packing.BLOCK;

  private static final int TILE = CpuMatrix.TILE;

  /** Floats of four-bit integers: an access takes less time than a conversion. */
  private static final float[] INTEGERS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  /** Floats of bytes with a zero of 128. */
  static final float[] BYTES = new float[256];

  static {
    for (int i = 0; i < BYTES.length; i++) {
      BYTES[i] = i - 128;
    }
  }

  /** {@code [column][output]}: weights, or integers if the format is scaled by the block. */
  final float[][] weights;

  /** Factor of each output's integers. */
  final float[] scales;

  /** Number to add to each output's scaled integers. */
  final float[] minima;

  /**
   * Creates the memory.
   *
   * @param outputs most outputs of a block, a multiple of {@link CpuMatrix#TILE}
   */
  BlockDecoder(int outputs) {
    weights = new float[BLOCK][outputs];
    scales = new float[outputs];
    minima = new float[outputs];
  }

  /**
   * Decodes a block. Columns beyond the matrix's last are zero.
   *
   * @param tile the first tile
   * @param tiles number of tiles
   * @param column the first column, a multiple of {@link #BLOCK}
   */
  void decode(CpuMatrix matrix, int tile, int tiles, int column) {
    Packing packing = matrix.packing;
    int columns = Math.min(BLOCK, matrix.in() - column);
    int units = (columns + packing.columns - 1) / packing.columns;
    for (int c = columns; c < BLOCK; c++) {
      Arrays.fill(weights[c], 0, tiles * TILE, 0);
    }
    for (int t = 0; t < tiles; t++) {
      int at = matrix.unit(tile + t, column);
      int to = t * TILE;
      switch (packing) {
        case FLOATS -> floats(matrix.floats, at, units, to);
        case HALVES -> halves(matrix.words, at, units, to);
        case BRAIN_HALVES -> brainHalves(matrix.words, at, units, to);
        case BYTES -> bytes(matrix.words, matrix.integers(tile + t, column), to);
        case NIBBLES, NIBBLES_AND_MINIMUM, SUPER_NIBBLES ->
            nibbles(matrix.words, matrix.integers(tile + t, column), to);
        case FIVES, FIVES_AND_MINIMUM, SUPER_FIVES, MICROSCALED ->
            integers(matrix, at, column % packing.columns, to);
        case SUPER_SIXES -> weights(matrix, at, column % packing.columns, to);
      }
    }
    if (packing.scaledByBlock()) {
      decodeScales(matrix, tile, tiles, column);
    }
  }

  /** Decodes the scales and minima of a block of a format that is scaled by the block. */
  void decodeScales(CpuMatrix matrix, int tile, int tiles, int column) {
    for (int t = 0; t < tiles; t++) {
      int at = matrix.unit(tile + t, column);
      switch (matrix.packing) {
        case BYTES -> scales(matrix.words, at, 0, t * TILE); // the bytes are about zero already
        case NIBBLES, FIVES -> scales(matrix.words, at, -matrix.packing.zero(), t * TILE);
        case NIBBLES_AND_MINIMUM, FIVES_AND_MINIMUM -> scalesAndMinima(matrix.words, at, t * TILE);
        default -> superScales(matrix, at, column % matrix.packing.columns, t * TILE);
      }
    }
  }

  private void floats(float[] floats, int at, int units, int to) {
    for (int c = 0; c < units; c++) {
      System.arraycopy(floats, at + c * TILE, weights[c], to, TILE);
    }
  }

  private void halves(int[] words, int at, int units, int to) {
    for (int u = 0; u < units; u++) {
      float[] even = weights[2 * u];
      float[] odd = weights[2 * u + 1];
      for (int lane = 0; lane < TILE; lane++) {
        int word = words[at + u * TILE + lane];
        even[to + lane] = Halves.toFloat(word);
        odd[to + lane] = Halves.toFloat(word >>> 16);
      }
    }
  }

  private void brainHalves(int[] words, int at, int units, int to) {
    for (int u = 0; u < units; u++) {
      float[] even = weights[2 * u];
      float[] odd = weights[2 * u + 1];
      for (int lane = 0; lane < TILE; lane++) {
        int word = words[at + u * TILE + lane];
        even[to + lane] = Float.intBitsToFloat(word << 16);
        odd[to + lane] = Float.intBitsToFloat(word & 0xFFFF0000);
      }
    }
  }

  private void scales(int[] words, int at, float zero, int to) {
    for (int lane = 0; lane < TILE; lane++) {
      float scale = Halves.toFloat(words[at + lane % (TILE / 2)] >>> (lane / (TILE / 2) * 16));
      scales[to + lane] = scale;
      minima[to + lane] = zero * scale;
    }
  }

  private void scalesAndMinima(int[] words, int at, int to) {
    for (int lane = 0; lane < TILE; lane++) {
      scales[to + lane] = Halves.toFloat(words[at + lane]);
      minima[to + lane] = Halves.toFloat(words[at + lane] >>> 16);
    }
  }

  private void superScales(CpuMatrix matrix, int at, int c, int to) {
    for (int lane = 0; lane < TILE; lane++) {
      Packing.Factors factors = matrix.packing.factors(matrix.words, at, lane, c);
      scales[to + lane] = factors.scale();
      minima[to + lane] = factors.minimum();
    }
  }

  private void integers(CpuMatrix matrix, int at, int first, int to) {
    for (int c = 0; c < BLOCK; c++) {
      for (int lane = 0; lane < TILE; lane++) {
        weights[c][to + lane] = matrix.packing.integer(matrix.words, at, lane, first + c);
      }
    }
  }

  /** Decodes a block whose halves have scales of their own. */
  private void weights(CpuMatrix matrix, int at, int first, int to) {
    integers(matrix, at, first, to);
    for (int lane = 0; lane < TILE; lane++) {
      for (int half = 0; half < BLOCK; half += Packing.HALF_BLOCK) {
        Packing.Factors factors = matrix.packing.factors(matrix.words, at, lane, first + half);
        for (int c = half; c < half + Packing.HALF_BLOCK; c++) {
          weights[c][to + lane] = weights[c][to + lane] * factors.scale() + factors.minimum();
        }
      }
    }
  }

  private void bytes(int[] words, int at, int to) {
    for (int w = 0; w < 8; w++) {
      float[] w0 = weights[4 * w];
      float[] w1 = weights[4 * w + 1];
      float[] w2 = weights[4 * w + 2];
      float[] w3 = weights[4 * w + 3];
      int from = at + w * TILE;
      for (int lane = 0; lane < TILE; lane++) {
        int word = words[from + lane];
        w0[to + lane] = BYTES[word & 255];
        w1[to + lane] = BYTES[word >>> 8 & 255];
        w2[to + lane] = BYTES[word >>> 16 & 255];
        w3[to + lane] = BYTES[word >>> 24];
      }
    }
  }

  private void nibbles(int[] words, int at, int to) {
    for (int w = 0; w < 4; w++) {
      four(words, at + w * TILE, 0, 4 * w, to);
      four(words, at + w * TILE, 4, 16 + 4 * w, to);
    }
  }

  private void four(int[] words, int at, int shift, int column, int to) {
    float[] w0 = weights[column];
    float[] w1 = weights[column + 1];
    float[] w2 = weights[column + 2];
    float[] w3 = weights[column + 3];
    for (int lane = 0; lane < TILE; lane++) {
      int word = words[at + lane] >>> shift;
      w0[to + lane] = INTEGERS[word & 15];
      w1[to + lane] = INTEGERS[word >>> 8 & 15];
      w2[to + lane] = INTEGERS[word >>> 16 & 15];
      w3[to + lane] = INTEGERS[word >>> 24 & 15];
    }
  }
}
