package dev.s3llm.cpu;

import dev.s3llm.model.ElementType;

/**
 * How the weights of a matrix lie in memory. {@link CpuMatrix#TILE} rows are a tile, so that a
 * vector instruction works on the same column of consecutive rows. A tile is a sequence of units of
 * some columns; in a unit, words of the tile's rows lie side by side.
 */
enum Packing {
  /** Single precision: a unit is a column of floats. */
  FLOATS(1, CpuMatrix.TILE),
  /** Half precision: a unit is two columns; a word has the left one in its low half. */
  HALVES(2, CpuMatrix.TILE),
  /** The upper halves of singles, as {@link #HALVES}. */
  BRAIN_HALVES(2, CpuMatrix.TILE),
  /**
   * A block of 32 bytes {@code q} with a zero of 128: half-precision scales of two rows in a word
   * (row {@code i} low, row {@code i + TILE / 2} high), then eight words of four columns each.
   */
  BYTES(32, CpuMatrix.TILE / 2 + 8 * CpuMatrix.TILE),
  /**
   * A block of 32 four-bit integers with a zero of 8: scales as in {@link #BYTES}, then four words;
   * byte {@code b} of word {@code w} has column {@code 4 w + b} in its low half and column {@code
   * 16 + 4 w + b} in its high half.
   */
  NIBBLES(32, CpuMatrix.TILE / 2 + 4 * CpuMatrix.TILE),
  /** As {@link #NIBBLES}, but a word for each row with the scale (low half) and the minimum. */
  NIBBLES_AND_MINIMUM(32, CpuMatrix.TILE + 4 * CpuMatrix.TILE);

  /** Columns of a unit. */
  final int columns;

  /** Words of 32 bits of a unit of one tile. */
  final int words;

  Packing(int columns, int words) {
    this.columns = columns;
    this.words = words;
  }

  /** Returns whether the weights are integers with a scale for each block. */
  boolean quantised() {
    return this == BYTES || this == NIBBLES || this == NIBBLES_AND_MINIMUM;
  }

  /** Returns the arrangement that keeps a format as it is, or FLOATS for a format without one. */
  static Packing of(ElementType type) {
    return switch (type) {
      case F16 -> HALVES;
      case BF16 -> BRAIN_HALVES;
      case Q8_0 -> BYTES;
      case Q4_0 -> NIBBLES;
      case Q4_1 -> NIBBLES_AND_MINIMUM;
      default -> FLOATS;
    };
  }
}
