package dev.s3llm.cpu;

import java.nio.ByteBuffer;

/** Arranges the rows of one tile from the bytes of a tensor. */
final class TilePacker {
  private static final int TILE = CpuMatrix.TILE;

  private final CpuMatrix matrix;
  private final ByteBuffer bytes;

  /** Makes the error for a weight or a scale that is a NaN or an infinity. */
  @FunctionalInterface
  interface NonFinite {
    RuntimeException error(float value, int row, int column);
  }

  TilePacker(CpuMatrix matrix, ByteBuffer bytes) {
    this.matrix = matrix;
    this.bytes = bytes;
  }

  /**
   * Arranges a tile.
   *
   * @param at index of the tile's first word
   * @param rows number of rows in the bytes, 1 to {@link CpuMatrix#TILE}
   * @param bad makes the error for a value that is not finite
   */
  void pack(int at, int rows, NonFinite bad) {
    for (int row = 0; row < rows; row++) {
      switch (matrix.packing) {
        case FLOATS -> floats(at, row, bad);
        case HALVES, BRAIN_HALVES -> pairs(at, row, bad);
        case BYTES -> blocks(at, row, 2, 8, 0x80808080, bad);
        case NIBBLES -> blocks(at, row, 2, 4, 0, bad);
        case NIBBLES_AND_MINIMUM -> blocks(at, row, 4, 4, 0, bad);
      }
    }
  }

  private void floats(int at, int row, NonFinite bad) {
    int in = matrix.in();
    float[] to = matrix.floats;
    for (int c = 0; c < in; c++) {
      float value = bytes.getFloat((row * in + c) * Float.BYTES);
      if (!Float.isFinite(value)) {
        throw bad.error(value, row, c);
      }
      to[at + c * TILE + row] = value;
    }
  }

  private void pairs(int at, int row, NonFinite bad) {
    int in = matrix.in();
    for (int c = 0; c < in; c++) {
      int half = bytes.getShort((row * in + c) * Short.BYTES) & 0xFFFF;
      boolean brain = matrix.packing == Packing.BRAIN_HALVES;
      int exponent = brain ? 0x7F80 : 0x7C00;
      if ((half & exponent) == exponent) {
        throw bad.error((half & ~exponent & 0x7FFF) == 0 ? infinity(half) : Float.NaN, row, c);
      }
      matrix.words[at + c / 2 * TILE + row] |= half << (c % 2 * 16);
    }
  }

  private static float infinity(int half) {
    return half >= 0x8000 ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
  }

  /** Blocks of 32 columns: a scale (and a minimum), then words that move as they are. */
  private void blocks(int at, int row, int head, int words, int flipped, NonFinite bad) {
    int blocks = matrix.in() / 32;
    int size = head + words * Integer.BYTES;
    int[] to = matrix.words;
    for (int b = 0; b < blocks; b++) {
      int from = (row * blocks + b) * size;
      int unit = at + b * matrix.packing.words;
      int first = unit + (head == 2 ? TILE / 2 : TILE) + row;
      for (int half = 0; half < head; half += 2) {
        int scale = bytes.getShort(from + half) & 0xFFFF;
        if (!Halves.isFinite(scale)) {
          throw bad.error((scale & 0x3FF) == 0 ? infinity(scale) : Float.NaN, row, 32 * b);
        }
      }
      if (head == 2) {
        to[unit + row % (TILE / 2)] |= (bytes.getShort(from) & 0xFFFF) << (row / (TILE / 2) * 16);
      } else {
        to[unit + row] = bytes.getInt(from);
      }
      for (int w = 0; w < words; w++) {
        to[first + w * TILE] = bytes.getInt(from + head + w * Integer.BYTES) ^ flipped;
      }
    }
  }
}
