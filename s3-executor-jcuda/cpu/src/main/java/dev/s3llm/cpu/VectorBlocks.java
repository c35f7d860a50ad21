package dev.s3llm.cpu;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decodes and multiplies quantised columns with the vector API, whose factors {@link VectorFactors}
 * has decoded. A word of four integers, each in a byte, is made first; that differs by the number
 * of bits. All else is the same for all formats.
 *
 * <p>The loops of products are written out. Beyond 8,000 bytecodes the JIT compiler inlines methods
 * of the vector API alone; a vector that goes into any other method, or that is one of two, then
 * becomes an object in every turn of a loop. With five and six bits the loops are too large even
 * so; therefore their columns are decoded for a batch of one row, too, which takes as long.
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

  /** Words from the low bits to the higher ones. */
  private static final int HIGH = 4 * TILE;

  private VectorBlocks() {}

  /**
   * Decodes some columns of a tile to {@code [column][TILE]} floats.
   *
   * @param column the first column, at which a unit begins
   * @param columns number of columns, whole units
   * @param factors what {@link VectorFactors} decoded for them
   * @param to receives the floats from index 0 on
   */
  static void decode(
      CpuMatrix matrix, int tile, int column, int columns, float[] factors, float[] to) {
    int[] words = matrix.words;
    for (int c = 0; c < columns; c += BLOCK) {
      int at = matrix.integers(tile, column + c);
      if (!matrix.packing.integers()) {
        microscaled(words, at, factors, c, to);
        continue;
      }
      switch (matrix.packing.bits()) {
        case 4 -> fours(words, at, factors, c, to);
        case 5 -> fives(words, at, factors, c, to);
        default -> sixes(words, at, factors, c, to);
      }
    }
  }

  private static void fours(int[] words, int at, float[] factors, int column, float[] to) {
    for (int w = 0; w < 8; w++) {
      for (int lane = 0; lane < TILE; lane += LANES) {
        put(four(words, at + lane, w), factors, column + 4 * w, lane, to);
      }
    }
  }

  private static void fives(int[] words, int at, float[] factors, int column, float[] to) {
    for (int w = 0; w < 8; w++) {
      for (int lane = 0; lane < TILE; lane += LANES) {
        put(five(words, at + lane, w), factors, column + 4 * w, lane, to);
      }
    }
  }

  private static void sixes(int[] words, int at, float[] factors, int column, float[] to) {
    for (int w = 0; w < 8; w++) {
      for (int lane = 0; lane < TILE; lane += LANES) {
        put(six(words, at + lane, w), factors, column + 4 * w, lane, to);
      }
    }
  }

  /** Four-bit floats: as integers, doubled, they are 0 to 4, then 6, 8 and 12. */
  private static void microscaled(int[] words, int at, float[] factors, int column, float[] to) {
    for (int c = 0; c < BLOCK; c++) {
      for (int lane = 0; lane < TILE; lane += LANES) {
        IntVector code =
            right(word(words, at + (c / 4 & 3) * TILE + lane), 8 * (c & 3) + (c >> 4) * 4);
        IntVector size = code.and(7);
        IntVector doubled = size.add(size.sub(4).max(0)).add(size.sub(6).max(0).lanewise(LSHL, 1));
        IntVector sign = code.and(8).lanewise(LSHL, 28);
        ((FloatVector) doubled.convert(I2F, 0))
            .reinterpretAsInts()
            .or(sign)
            .reinterpretAsFloats()
            .mul(FloatVector.fromArray(FLOATS, factors, factor(column + c) + lane))
            .intoArray(to, (column + c) * TILE + lane);
      }
    }
  }

  /** Writes four columns of a lane group. */
  private static void put(IntVector word, float[] factors, int column, int lane, float[] to) {
    FloatVector scale = scale(factors, column, lane);
    FloatVector minimum = minimum(factors, column, lane);
    int at = column * TILE + lane;
    integer(word, 0).fma(scale, minimum).intoArray(to, at);
    integer(word, 8).fma(scale, minimum).intoArray(to, at + TILE);
    integer(word, 16).fma(scale, minimum).intoArray(to, at + 2 * TILE);
    integer(word, 24).fma(scale, minimum).intoArray(to, at + 3 * TILE);
  }

  /**
   * Adds the products of one row with some columns of a tile, of four groups of lanes.
   *
   * @param matrix has integers of four bits
   * @param column the first column, at which a unit begins
   * @param columns number of columns, whole units
   * @param factors what {@link VectorFactors} decoded for them
   * @param inAt index of the row's value for the first column
   * @param sums receives {@code [TILE]} sums from index 0 on
   */
  static void multiply(
      CpuMatrix matrix,
      int tile,
      int column,
      int columns,
      float[] factors,
      float[] in,
      int inAt,
      float[] sums) {
    int at = matrix.integers(tile, column);
    int blocks = columns / BLOCK;
    int stride =
        matrix.packing.superBlocks() ? matrix.packing.integerWords() : matrix.packing.words;
    multiplyFours(matrix.words, at, stride, blocks, factors, in, inAt, sums);
  }

  private static void multiplyFours(
      int[] words,
      int at,
      int stride,
      int blocks,
      float[] factors,
      float[] in,
      int inAt,
      float[] sums) {
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
      int block = at + u * stride;
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

  private static FloatVector integer(IntVector word, int shift) {
    return (FloatVector) word.lanewise(LSHR, shift).and(255).convert(I2F, 0);
  }

  private static IntVector word(int[] words, int at) {
    return IntVector.fromArray(INTS, words, at);
  }

  private static IntVector four(int[] words, int at, int w) {
    return right(word(words, at + (w & 3) * TILE), w & 4).and(LOW);
  }

  private static IntVector five(int[] words, int at, int w) {
    IntVector high = right(word(words, at + HIGH), w).and(ONES);
    return four(words, at, w).or(high.lanewise(LSHL, 4));
  }

  private static IntVector six(int[] words, int at, int w) {
    IntVector high = right(word(words, at + HIGH + (w >> 2) * TILE), 2 * (w & 3)).and(THREES);
    return four(words, at, w).or(high.lanewise(LSHL, 4));
  }

  /**
   * Moves lanes to the right by a number that changes in a loop. As a vector: with a number, the
   * JIT compiler of JDK 17 may move the first lane alone.
   */
  private static IntVector right(IntVector word, int shift) {
    return word.lanewise(LSHR, IntVector.broadcast(INTS, shift));
  }

  private static FloatVector scale(float[] factors, int column, int lane) {
    return FloatVector.fromArray(FLOATS, factors, factor(column) + lane);
  }

  private static FloatVector minimum(float[] factors, int column, int lane) {
    return FloatVector.fromArray(FLOATS, factors, factor(column) + TILE + lane);
  }

  private static int factor(int column) {
    return column / Packing.HALF_BLOCK * 2 * TILE;
  }
}
