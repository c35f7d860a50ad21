package dev.s3llm.cpu;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decodes columns in blocks of five and six bits, of four-bit floats and of super-blocks with the
 * vector API, whose factors {@link VectorFactors} has decoded, and multiplies super-blocks of four
 * bits. A block's integers are brought to bytes first, in a loop of plain Java; all else is the
 * same for all formats.
 *
 * <p>The loops are written out. Beyond 8,000 bytecodes the JIT compiler inlines methods of the
 * vector API alone; a vector that goes into any other method, or that is one of two, then becomes
 * an object in every turn of a loop. With five and six bits the loop of a product would be too
 * large even so; therefore their columns are decoded for a batch of one row, too.
 */
final class VectorBlocks {
  private static final VectorSpecies<Float> FLOATS = VectorArithmetic.FLOATS;
  private static final VectorSpecies<Integer> INTS = VectorArithmetic.INTS;
  private static final int LANES = FLOATS.length();
  private static final int TILE = CpuMatrix.TILE;
  private static final int BLOCK = Packing.BLOCK;
  private static final int LOW = 0x0F0F0F0F;
  private static final int ONES = 0x01010101;
  private static final int THREES = 0x03030303;

  /** Floats of the factors of half a block. */
  private static final int HALF = 2 * TILE;

  /** The four-bit floats, doubled, with 12 added. */
  private static final int[] DOUBLED = new int[16];

  static {
    for (int code = 0; code < DOUBLED.length; code++) {
      DOUBLED[code] = Packing.doubled(code) + Packing.MICROSCALED.zero();
    }
  }

  /** Words from the low bits to the higher ones. */
  private static final int HIGH = 4 * TILE;

  private VectorBlocks() {}

  /**
   * Decodes some columns of a tile to {@code [column][TILE]} floats.
   *
   * @param column the first column, at which a unit begins
   * @param columns number of columns, whole units
   * @param memory has what {@link VectorFactors} decoded for them
   * @param to receives the floats from index 0 on
   */
  static void decode(
      CpuMatrix matrix,
      int tile,
      int column,
      int columns,
      TileArithmetic.Memory memory,
      float[] to) {
    int[] codes = memory.codes;
    for (int c = 0; c < columns; c += BLOCK) {
      int at = matrix.integers(tile, column + c);
      for (int w = 0; w < 8; w++) {
        codes(matrix, at, w, codes);
      }
      widen(codes, memory.factors, c, to);
    }
  }

  /** Makes a word of four bytes for each row: the integers of columns {@code 4 w} to 4 w + 3. */
  private static void codes(CpuMatrix matrix, int at, int w, int[] to) {
    int[] words = matrix.words;
    low(words, at + (w & 3) * TILE, w & 4, to, w * TILE);
    switch (matrix.packing.bits()) {
      case 5 -> high(words, at + HIGH, w, ONES, to, w * TILE);
      case 6 -> high(words, at + HIGH + (w >> 2) * TILE, 2 * (w & 3), THREES, to, w * TILE);
      default -> {
        if (!matrix.packing.integers()) {
          doubled(to, w * TILE);
        }
      }
    }
  }

  private static void low(int[] words, int at, int shift, int[] to, int first) {
    for (int lane = 0; lane < TILE; lane++) {
      to[first + lane] = (words[at + lane] >>> shift) & LOW;
    }
  }

  private static void high(int[] words, int at, int shift, int mask, int[] to, int first) {
    for (int lane = 0; lane < TILE; lane++) {
      to[first + lane] |= ((words[at + lane] >>> shift) & mask) << 4;
    }
  }

  /** Makes doubled numbers of four-bit floats, with 12 added, so that none is negative. */
  private static void doubled(int[] codes, int first) {
    for (int lane = 0; lane < TILE; lane++) {
      int word = codes[first + lane];
      codes[first + lane] =
          DOUBLED[word & 255]
              | (DOUBLED[(word >>> 8) & 255] << 8)
              | (DOUBLED[(word >>> 16) & 255] << 16)
              | (DOUBLED[word >>> 24] << 24);
    }
  }

  /**
   * Adds the products of one row with super-blocks of four bits of a tile, of four groups of lanes.
   *
   * @param at index of the first word of the first block's integers
   * @param blocks number of blocks, of one unit
   * @param factors what {@link VectorFactors} decoded for them
   * @param inAt index of the row's value for the first column
   * @param sums receives {@code [TILE]} sums from index 0 on
   */
  static void multiply(
      int[] words, int at, int blocks, float[] factors, float[] in, int inAt, float[] sums) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int u = 0; u < blocks; u++) {
      int factor = u * 2 * HALF;
      FloatVector scaleA = FloatVector.fromArray(FLOATS, factors, factor + 0 * LANES);
      FloatVector scaleB = FloatVector.fromArray(FLOATS, factors, factor + 1 * LANES);
      FloatVector scaleC = FloatVector.fromArray(FLOATS, factors, factor + 2 * LANES);
      FloatVector scaleD = FloatVector.fromArray(FLOATS, factors, factor + 3 * LANES);
      FloatVector minimumA = FloatVector.fromArray(FLOATS, factors, factor + TILE + 0 * LANES);
      FloatVector minimumB = FloatVector.fromArray(FLOATS, factors, factor + TILE + 1 * LANES);
      FloatVector minimumC = FloatVector.fromArray(FLOATS, factors, factor + TILE + 2 * LANES);
      FloatVector minimumD = FloatVector.fromArray(FLOATS, factors, factor + TILE + 3 * LANES);
      int block = at + u * Packing.SUPER_NIBBLES.integerWords();
      int row = inAt + u * BLOCK;
      for (int w = 0; w < 8; w++) {
        IntVector shift = IntVector.broadcast(INTS, w & 4);
        int word = block + (w & 3) * TILE;
        IntVector wordA =
            IntVector.fromArray(INTS, words, word + 0 * LANES).lanewise(LSHR, shift).and(LOW);
        IntVector wordB =
            IntVector.fromArray(INTS, words, word + 1 * LANES).lanewise(LSHR, shift).and(LOW);
        IntVector wordC =
            IntVector.fromArray(INTS, words, word + 2 * LANES).lanewise(LSHR, shift).and(LOW);
        IntVector wordD =
            IntVector.fromArray(INTS, words, word + 3 * LANES).lanewise(LSHR, shift).and(LOW);
        FloatVector x0 = FloatVector.broadcast(FLOATS, in[row + 4 * w + 0]);
        a = ((FloatVector) wordA.and(255).convert(I2F, 0)).fma(scaleA, minimumA).fma(x0, a);
        b = ((FloatVector) wordB.and(255).convert(I2F, 0)).fma(scaleB, minimumB).fma(x0, b);
        c = ((FloatVector) wordC.and(255).convert(I2F, 0)).fma(scaleC, minimumC).fma(x0, c);
        d = ((FloatVector) wordD.and(255).convert(I2F, 0)).fma(scaleD, minimumD).fma(x0, d);
        FloatVector x1 = FloatVector.broadcast(FLOATS, in[row + 4 * w + 1]);
        a =
            ((FloatVector) wordA.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scaleA, minimumA)
                .fma(x1, a);
        b =
            ((FloatVector) wordB.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scaleB, minimumB)
                .fma(x1, b);
        c =
            ((FloatVector) wordC.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scaleC, minimumC)
                .fma(x1, c);
        d =
            ((FloatVector) wordD.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scaleD, minimumD)
                .fma(x1, d);
        FloatVector x2 = FloatVector.broadcast(FLOATS, in[row + 4 * w + 2]);
        a =
            ((FloatVector) wordA.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scaleA, minimumA)
                .fma(x2, a);
        b =
            ((FloatVector) wordB.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scaleB, minimumB)
                .fma(x2, b);
        c =
            ((FloatVector) wordC.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scaleC, minimumC)
                .fma(x2, c);
        d =
            ((FloatVector) wordD.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scaleD, minimumD)
                .fma(x2, d);
        FloatVector x3 = FloatVector.broadcast(FLOATS, in[row + 4 * w + 3]);
        a =
            ((FloatVector) wordA.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scaleA, minimumA)
                .fma(x3, a);
        b =
            ((FloatVector) wordB.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scaleB, minimumB)
                .fma(x3, b);
        c =
            ((FloatVector) wordC.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scaleC, minimumC)
                .fma(x3, c);
        d =
            ((FloatVector) wordD.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scaleD, minimumD)
                .fma(x3, d);
      }
    }
    FloatVector.fromArray(FLOATS, sums, 0).add(a).intoArray(sums, 0);
    FloatVector.fromArray(FLOATS, sums, LANES).add(b).intoArray(sums, LANES);
    FloatVector.fromArray(FLOATS, sums, 2 * LANES).add(c).intoArray(sums, 2 * LANES);
    FloatVector.fromArray(FLOATS, sums, 3 * LANES).add(d).intoArray(sums, 3 * LANES);
  }

  /** Writes a block of columns; each word has the bytes of four. */
  private static void widen(int[] codes, float[] factors, int column, float[] to) {
    for (int w = 0; w < 8; w++) {
      int factor = (column + 4 * w) / Packing.HALF_BLOCK * HALF;
      for (int lane = 0; lane < TILE; lane += LANES) {
        IntVector word = IntVector.fromArray(INTS, codes, w * TILE + lane);
        FloatVector scale = FloatVector.fromArray(FLOATS, factors, factor + lane);
        FloatVector minimum = FloatVector.fromArray(FLOATS, factors, factor + TILE + lane);
        int at = (column + 4 * w) * TILE + lane;
        ((FloatVector) word.and(255).convert(I2F, 0)).fma(scale, minimum).intoArray(to, at);
        ((FloatVector) word.lanewise(LSHR, 8).and(255).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, at + TILE);
        ((FloatVector) word.lanewise(LSHR, 16).and(255).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, at + 2 * TILE);
        ((FloatVector) word.lanewise(LSHR, 24).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, at + 3 * TILE);
      }
    }
  }
}
