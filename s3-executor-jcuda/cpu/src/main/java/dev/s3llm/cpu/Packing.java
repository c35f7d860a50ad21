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
  NIBBLES_AND_MINIMUM(32, CpuMatrix.TILE + 4 * CpuMatrix.TILE),
  /**
   * A block of 32 five-bit integers with a zero of 16: scales as in {@link #BYTES}, four words of
   * low bits as in {@link #NIBBLES}, then a word of fifth bits: bit {@code 8 b + w} is that of
   * column {@code 4 w + b}.
   */
  FIVES(32, CpuMatrix.TILE / 2 + 5 * CpuMatrix.TILE),
  /** As {@link #FIVES}, with the scale and the minimum of {@link #NIBBLES_AND_MINIMUM}. */
  FIVES_AND_MINIMUM(32, CpuMatrix.TILE + 5 * CpuMatrix.TILE),
  /**
   * Half a super-block, four blocks of 32 four-bit integers: a word with two half-precision
   * factors, of the scales (low half) and of the minima; two words that hold the scale (low byte)
   * and the minimum of two blocks each, as six-bit integers; then for each block its words as in
   * {@link #NIBBLES}.
   */
  SUPER_NIBBLES(128, 3 * CpuMatrix.TILE + 4 * 4 * CpuMatrix.TILE),
  /** As {@link #SUPER_NIBBLES}, with the words of a block as in {@link #FIVES}. */
  SUPER_FIVES(128, 3 * CpuMatrix.TILE + 4 * 5 * CpuMatrix.TILE),
  /**
   * Half a super-block, four blocks of 32 six-bit integers with a zero of 32: half-precision
   * factors of the scales, of two rows in a word as in {@link #BYTES}; two words that hold the
   * scales of two blocks each, signed bytes, two for the 16 columns of each half of a block; then
   * for each block four words of low bits as in {@link #NIBBLES} and two of high bits: bits {@code
   * 8 b + 2 w} and the next are those of column {@code 4 w + b}, in the second word those of column
   * {@code 16 + 4 w + b}.
   */
  SUPER_SIXES(128, CpuMatrix.TILE / 2 + 2 * CpuMatrix.TILE + 4 * 6 * CpuMatrix.TILE),
  /**
   * A block of 32 four-bit floats (E2M1): exponents of the block's scale for four rows in a word,
   * row {@code i + b TILE / 4} in byte {@code b}, then words as in {@link #NIBBLES}.
   */
  MICROSCALED(32, CpuMatrix.TILE / 4 + 4 * CpuMatrix.TILE);

  /** Columns of a block: scales and minima are those of a block, or of each half of it. */
  static final int BLOCK = 32;

  /** Columns of half a block. */
  static final int HALF_BLOCK = BLOCK / 2;

  private static final int TILE = CpuMatrix.TILE;

  /** The E2M1 floats, doubled, without their sign. */
  private static final int[] DOUBLED_E2M1 = {0, 1, 2, 3, 4, 6, 8, 12};

  /** Columns of a unit. */
  final int columns;

  /** Words of 32 bits of a unit of one tile. */
  final int words;

  Packing(int columns, int words) {
    this.columns = columns;
    this.words = words;
  }

  /** Returns whether the weights are integers with a scale for each block or half of a block. */
  boolean quantised() {
    return columns >= BLOCK;
  }

  /** Returns whether the integers of a block have one scale and one minimum. */
  boolean scaledByBlock() {
    return quantised() && this != SUPER_SIXES;
  }

  /** Returns the bits of an integer. */
  int bits() {
    return switch (this) {
      case FLOATS -> 32;
      case HALVES, BRAIN_HALVES -> 16;
      case BYTES -> 8;
      case NIBBLES, NIBBLES_AND_MINIMUM, SUPER_NIBBLES, MICROSCALED -> 4;
      case FIVES, FIVES_AND_MINIMUM, SUPER_FIVES -> 5;
      case SUPER_SIXES -> 6;
    };
  }

  /** Returns whether a weight's bits are those of an integer, which its factors make a weight. */
  boolean integers() {
    return quantised() && this != MICROSCALED;
  }

  /** Returns the integer that stands for zero where a block has no minimum; 0 where it has one. */
  int zero() {
    return switch (this) {
      case BYTES -> 128;
      case NIBBLES -> 8;
      case FIVES -> 16;
      case SUPER_SIXES -> 32;
      case MICROSCALED -> 12;
      default -> 0;
    };
  }

  /** Returns the words of a quantised block's integers in one tile. */
  int integerWords() {
    return bits() * CpuMatrix.TILE;
  }

  /**
   * Returns the words of a quantised unit that come before the integers of a block.
   *
   * @param c the block's first column in the unit
   */
  int integersAt(int c) {
    return words - (columns - c) / BLOCK * integerWords();
  }

  /**
   * Returns the integer of a quantised weight; of a four-bit float its doubled number, with {@link
   * #zero} added.
   *
   * @param unit index of the unit's first word
   * @param lane row in the tile
   * @param c column in the unit
   */
  int integer(int[] words, int unit, int lane, int c) {
    int at = unit + integersAt(c / BLOCK * BLOCK) + lane;
    int column = c % BLOCK;
    int byteShift = 8 * (column % 4);
    if (this == BYTES) {
      return (words[at + column / 4 * TILE] >>> byteShift) & 255;
    }
    int word = column % HALF_BLOCK / 4;
    int half = column / HALF_BLOCK;
    int low = (words[at + word * TILE] >>> (byteShift + 4 * half)) & 15;
    return switch (bits()) {
      case 5 -> low | (((words[at + 4 * TILE] >>> (byteShift + column / 4)) & 1) << 4);
      case 6 -> low | (((words[at + (4 + half) * TILE] >>> (byteShift + 2 * word)) & 3) << 4);
      default -> this == MICROSCALED ? doubled(low) + zero() : low;
    };
  }

  /**
   * What makes a weight of an integer.
   *
   * @param scale factor of the integer
   * @param minimum weight of the integer 0
   */
  record Factors(float scale, float minimum) {}

  /** Returns the factors of a quantised weight; the parameters are those of {@link #integer}. */
  Factors factors(int[] words, int unit, int lane, int c) {
    int block = c / BLOCK;
    return switch (this) {
      case NIBBLES_AND_MINIMUM, FIVES_AND_MINIMUM -> {
        int word = words[unit + lane];
        yield new Factors(Halves.toFloat(word), Halves.toFloat(word >>> 16));
      }
      case SUPER_NIBBLES, SUPER_FIVES -> {
        int word = words[unit + lane];
        int own = words[unit + (1 + block / 2) * TILE + lane] >>> (block % 2 * 16);
        float minimum = Halves.toFloat(word >>> 16) * ((own >>> 8) & 255);
        yield new Factors(Halves.toFloat(word) * (own & 255), -minimum);
      }
      case SUPER_SIXES -> {
        int own = words[unit + TILE / 2 + block / 2 * TILE + lane];
        byte scale = (byte) (own >>> (block % 2 * 16 + c % BLOCK / HALF_BLOCK * 8));
        yield aboutZero(ofPair(words, unit, lane) * scale);
      }
      case MICROSCALED -> {
        int exponents = words[unit + lane % (TILE / 4)];
        yield aboutZero(halfPowerOfTwo((exponents >>> (lane / (TILE / 4) * 8)) & 255));
      }
      default -> aboutZero(ofPair(words, unit, lane));
    };
  }

  /** Returns half of the power of two of an E8M0 number, as its block's numbers are doubled. */
  private static float halfPowerOfTwo(int exponent) {
    return Float.intBitsToFloat(exponent < 2 ? 0x00200000 << exponent : (exponent - 1) << 23);
  }

  /** Returns twice the number that a four-bit float is. */
  static int doubled(int code) {
    return (code < 8 ? 1 : -1) * DOUBLED_E2M1[code & 7];
  }

  private Factors aboutZero(float scale) {
    return new Factors(scale, -zero() * scale);
  }

  private static float ofPair(int[] words, int unit, int lane) {
    return Halves.toFloat(words[unit + lane % (TILE / 2)] >>> (lane / (TILE / 2) * 16));
  }

  /** Returns the arrangement that keeps a format as it is, which F32 has, too. */
  static Packing of(ElementType type) {
    return switch (type) {
      case F16 -> HALVES;
      case BF16 -> BRAIN_HALVES;
      case Q8_0 -> BYTES;
      case Q4_0 -> NIBBLES;
      case Q4_1 -> NIBBLES_AND_MINIMUM;
      case Q5_0 -> FIVES;
      case Q5_1 -> FIVES_AND_MINIMUM;
      case Q4_K -> SUPER_NIBBLES;
      case Q5_K -> SUPER_FIVES;
      case Q6_K -> SUPER_SIXES;
      case MXFP4 -> MICROSCALED;
      case F32 -> FLOATS;
    };
  }
}
