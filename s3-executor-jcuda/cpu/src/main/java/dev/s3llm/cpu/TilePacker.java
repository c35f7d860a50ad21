package dev.s3llm.cpu;

import java.nio.ByteBuffer;

/** Arranges the rows of one tile from the bytes of a tensor. */
final class TilePacker {
  private static final int TILE = CpuMatrix.TILE;
  private static final int BLOCK = Packing.BLOCK;

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
    switch (matrix.packing) {
      case FLOATS -> floats(at, rows, bad);
      case HALVES, BRAIN_HALVES -> pairs(at, rows, bad);
      case SUPER_NIBBLES, SUPER_FIVES, SUPER_SIXES -> superBlocks(at, rows, bad);
      case MICROSCALED -> microscaled(at, rows);
      default -> blocks(at, rows, bad);
    }
  }

  private void floats(int at, int rows, NonFinite bad) {
    int in = matrix.in();
    float[] to = matrix.floats;
    for (int c = 0; c < in; c++) {
      for (int row = 0; row < rows; row++) {
        float value = bytes.getFloat((row * in + c) * Float.BYTES);
        if (!Float.isFinite(value)) {
          throw bad.error(value, row, c);
        }
        to[at + c * TILE + row] = value;
      }
    }
  }

  private void pairs(int at, int rows, NonFinite bad) {
    int in = matrix.in();
    int exponent = matrix.packing == Packing.BRAIN_HALVES ? 0x7F80 : 0x7C00;
    for (int c = 0; c < in; c++) {
      for (int row = 0; row < rows; row++) {
        int half = bytes.getShort((row * in + c) * Short.BYTES) & 0xFFFF;
        if ((half & exponent) == exponent) {
          throw bad.error((half & ~exponent & 0x7FFF) == 0 ? infinity(half) : Float.NaN, row, c);
        }
        matrix.words[at + c / 2 * TILE + row] |= half << (c % 2 * 16);
      }
    }
  }

  private static float infinity(int half) {
    return half >= 0x8000 ? Float.NEGATIVE_INFINITY : Float.POSITIVE_INFINITY;
  }

  /** Blocks of 32 columns: a scale, for some formats a minimum, then integers. */
  private void blocks(int at, int rows, NonFinite bad) {
    Packing packing = matrix.packing;
    int blocks = matrix.in() / BLOCK;
    int head = packing.zero() == 0 ? 2 * Short.BYTES : Short.BYTES;
    int size = head + packing.bits() * BLOCK / Byte.SIZE;
    for (int b = 0; b < blocks; b++) {
      int unit = at + b * packing.words;
      for (int row = 0; row < rows; row++) {
        int from = (row * blocks + b) * size;
        for (int half = 0; half < head; half += Short.BYTES) {
          requireFinite(from + half, row, BLOCK * b, bad);
        }
        if (head == Short.BYTES) {
          putHalfOfPair(unit, row, bytes.getShort(from));
        } else {
          matrix.words[unit + row] = bytes.getInt(from);
        }
        integers(unit + packing.integersAt(0) + row, from + head);
      }
    }
  }

  /** Blocks of 32 columns: an exponent, which no value makes infinite, then four-bit floats. */
  private void microscaled(int at, int rows) {
    Packing packing = matrix.packing;
    int blocks = matrix.in() / BLOCK;
    for (int b = 0; b < blocks; b++) {
      int unit = at + b * packing.words;
      for (int row = 0; row < rows; row++) {
        int from = (row * blocks + b) * (1 + BLOCK / 2);
        int exponent = bytes.get(from) & 255;
        matrix.words[unit + row % (TILE / 4)] |= exponent << (row / (TILE / 4) * 8);
        integers(unit + packing.integersAt(0) + row, from + 1);
      }
    }
  }

  private void requireFinite(int from, int row, int column, NonFinite bad) {
    int half = bytes.getShort(from) & 0xFFFF;
    if (!Halves.isFinite(half)) {
      throw bad.error((half & 0x3FF) == 0 ? infinity(half) : Float.NaN, row, column);
    }
  }

  private void putHalfOfPair(int unit, int row, short half) {
    matrix.words[unit + row % (TILE / 2)] |= (half & 0xFFFF) << (row / (TILE / 2) * 16);
  }

  /** The integers of a block, whose words are in the order of the tile already. */
  private void integers(int to, int from) {
    int[] words = matrix.words;
    int count = matrix.packing.bits() / 4 * 4;
    int first = from + matrix.packing.bits() % 4 * Integer.BYTES; // behind the fifth bits
    int flipped = matrix.packing == Packing.BYTES ? 0x80808080 : 0;
    for (int w = 0; w < count; w++) {
      words[to + w * TILE] = bytes.getInt(first + w * Integer.BYTES) ^ flipped;
    }
    if (matrix.packing.bits() == 5) {
      int fifths = bytes.getInt(from);
      for (int w = 0; w < 8; w++) {
        words[to + 4 * TILE] |= spread((fifths >>> (4 * w)) & 15) << w;
      }
    }
  }

  /** Moves bit {@code i} of four to bit {@code 8 i}. */
  private static int spread(int four) {
    return four * 0x00204081 & 0x01010101;
  }

  private void superBlocks(int at, int rows, NonFinite bad) {
    Packing packing = matrix.packing;
    SuperBlock block = new SuperBlock(bytes, packing.bits());
    int count = matrix.in() / SuperBlock.COLUMNS;
    for (int s = 0; s < count; s++) {
      for (int row = 0; row < rows; row++) {
        block.read((row * count + s) * block.bytes());
        for (int factor : block.factorsAt()) {
          requireFinite(factor, row, s * SuperBlock.COLUMNS, bad);
        }
        superUnit(at + 2 * s * packing.words, row, block, 0);
        superUnit(at + (2 * s + 1) * packing.words, row, block, 4);
      }
    }
  }

  /** Half a super-block, from one of its blocks on. */
  private void superUnit(int unit, int row, SuperBlock block, int first) {
    Packing packing = matrix.packing;
    int[] words = matrix.words;
    int scales = unit + row;
    if (packing == Packing.SUPER_SIXES) {
      putHalfOfPair(unit, row, bytes.getShort(block.factorsAt()[0]));
      scales += TILE / 2;
    } else {
      words[scales] = bytes.getInt(block.factorsAt()[0]);
      scales += TILE;
    }
    for (int b = 0; b < 4; b++) {
      words[scales + b / 2 * TILE] |= block.scales(first + b) << (b % 2 * 16);
      int to = unit + packing.integersAt(b * BLOCK) + row;
      for (int w = 0; w < packing.bits(); w++) {
        words[to + w * TILE] = block.word(first + b, w);
      }
    }
  }
}
