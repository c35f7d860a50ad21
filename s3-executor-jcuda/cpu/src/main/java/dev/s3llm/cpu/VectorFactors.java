package dev.s3llm.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decodes scales and minima of the columns of {@link VectorBlocks} with the vector API, to {@code
 * [half block][scale, minimum][TILE]} floats.
 */
final class VectorFactors {
  private static final VectorSpecies<Float> FLOATS = VectorArithmetic.FLOATS;
  private static final VectorSpecies<Integer> INTS = VectorArithmetic.INTS;
  private static final int LANES = FLOATS.length();
  private static final int TILE = CpuMatrix.TILE;

  /** Floats of half a block. */
  private static final int HALF = 2 * TILE;

  private VectorFactors() {}

  /**
   * Decodes the factors of some columns of a tile.
   *
   * @param column the first column, at which a unit begins
   * @param columns number of columns, whole units
   * @param to receives the factors from index 0 on
   */
  static void decode(CpuMatrix matrix, int tile, int column, int columns, float[] to) {
    Packing packing = matrix.packing;
    int at = matrix.unit(tile, column);
    for (int c = 0; c < columns; c += packing.columns) {
      int half = c / Packing.HALF_BLOCK * HALF;
      switch (packing) {
        case FIVES -> scale(matrix.words, at, packing.zero(), to, half);
        case FIVES_AND_MINIMUM -> scaleAndMinimum(matrix.words, at, to, half);
        case SUPER_NIBBLES, SUPER_FIVES -> superBlock(matrix.words, at, to, half);
        case SUPER_SIXES -> superSixes(matrix.words, at, to, half);
        case MICROSCALED -> microscaled(packing, matrix.words, at, to, half);
        default -> throw new IllegalArgumentException(packing + " has no factors apart");
      }
      at += packing.words;
    }
  }

  private static void scale(int[] words, int at, int zero, float[] to, int half) {
    for (int lane = 0; lane < TILE; lane += LANES) {
      FloatVector scale = ofPair(words, at, lane);
      FloatVector minimum = scale.mul(-zero);
      scale.intoArray(to, half + lane);
      minimum.intoArray(to, half + lane + TILE);
      scale.intoArray(to, half + HALF + lane);
      minimum.intoArray(to, half + HALF + lane + TILE);
    }
  }

  private static void scaleAndMinimum(int[] words, int at, float[] to, int half) {
    for (int lane = 0; lane < TILE; lane += LANES) {
      IntVector word = IntVector.fromArray(INTS, words, at + lane);
      FloatVector scale = low(word);
      FloatVector minimum = high(word);
      scale.intoArray(to, half + lane);
      minimum.intoArray(to, half + lane + TILE);
      scale.intoArray(to, half + HALF + lane);
      minimum.intoArray(to, half + HALF + lane + TILE);
    }
  }

  private static void superBlock(int[] words, int at, float[] to, int half) {
    for (int lane = 0; lane < TILE; lane += LANES) {
      IntVector word = IntVector.fromArray(INTS, words, at + lane);
      FloatVector scales = low(word);
      FloatVector minima = high(word).neg();
      for (int block = 0; block < 4; block++) {
        IntVector own =
            IntVector.fromArray(INTS, words, at + (1 + block / 2) * TILE + lane)
                .lanewise(LSHR, IntVector.broadcast(INTS, block % 2 * 16));
        FloatVector scale = ((FloatVector) own.and(63).convert(I2F, 0)).mul(scales);
        FloatVector minimum =
            ((FloatVector) own.lanewise(LSHR, 8).and(63).convert(I2F, 0)).mul(minima);
        scale.intoArray(to, half + 2 * block * HALF + lane);
        minimum.intoArray(to, half + 2 * block * HALF + lane + TILE);
        scale.intoArray(to, half + (2 * block + 1) * HALF + lane);
        minimum.intoArray(to, half + (2 * block + 1) * HALF + lane + TILE);
      }
    }
  }

  private static void superSixes(int[] words, int at, float[] to, int half) {
    int zero = Packing.SUPER_SIXES.zero();
    for (int lane = 0; lane < TILE; lane += LANES) {
      FloatVector scales = ofPair(words, at, lane);
      for (int own = 0; own < 8; own++) {
        IntVector bytes = IntVector.fromArray(INTS, words, at + TILE / 2 + own / 4 * TILE + lane);
        IntVector signed =
            bytes.lanewise(LSHL, IntVector.broadcast(INTS, 24 - own % 4 * 8)).lanewise(ASHR, 24);
        FloatVector scale = ((FloatVector) signed.convert(I2F, 0)).mul(scales);
        scale.intoArray(to, half + own * HALF + lane);
        scale.mul(-zero).intoArray(to, half + own * HALF + lane + TILE);
      }
    }
  }

  /** Without vectors: the powers below the least normal number need a case of their own. */
  private static void microscaled(Packing packing, int[] words, int at, float[] to, int half) {
    for (int lane = 0; lane < TILE; lane++) {
      Packing.Factors factors = packing.factors(words, at, lane, 0);
      for (int own = half; own <= half + HALF; own += HALF) {
        to[own + lane] = factors.scale();
        to[own + TILE + lane] = factors.minimum();
      }
    }
  }

  /** Returns the halves of a row's lanes where a word has those of two rows. */
  private static FloatVector ofPair(int[] words, int at, int lane) {
    int shift = lane < TILE / 2 ? 16 : 0; // not one of two vectors: they would become objects
    return high(
        IntVector.fromArray(INTS, words, at + lane % (TILE / 2))
            .lanewise(LSHL, IntVector.broadcast(INTS, shift)));
  }

  private static FloatVector low(IntVector word) {
    return high(word.lanewise(LSHL, 16));
  }

  private static FloatVector high(IntVector word) {
    return word.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
  }
}
