package dev.s3llm.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decodes and multiplies blocks of four and eight bits with one half-precision scale, and a minimum
 * or none. The loops have their scales in registers, which makes one row up to twice as fast as
 * with those in memory ({@link VectorBlocks}).
 */
final class VectorSmallBlocks {
  private static final VectorSpecies<Float> FLOATS = VectorArithmetic.FLOATS;
  private static final VectorSpecies<Integer> INTS = VectorArithmetic.INTS;
  private static final int LANES = FLOATS.length();
  private static final int TILE = CpuMatrix.TILE;

  /** Vectors of a tile's rows. */
  private static final int GROUPS = TILE / LANES;

  private static final int NIBBLES_AND_MINIMUM = Packing.NIBBLES_AND_MINIMUM.words;
  private static final int NIBBLES = Packing.NIBBLES.words;
  private static final int BYTES = Packing.BYTES.words;

  private VectorSmallBlocks() {}

  /** Returns whether a format is handled here. */
  static boolean handles(Packing packing) {
    return switch (packing) {
      case BYTES, NIBBLES, NIBBLES_AND_MINIMUM -> true;
      default -> false;
    };
  }

  /**
   * Decodes units of a tile to {@code [column][TILE]} floats.
   *
   * @param at index of the first unit's first word
   * @param to receives the floats from index 0 on
   */
  static void decode(Packing packing, int[] words, int at, int units, float[] to) {
    switch (packing) {
      case BYTES -> bytes(words, at, units, to);
      case NIBBLES -> nibbles(words, at, units, to);
      default -> nibblesAndMinimum(words, at, units, to);
    }
  }

  /**
   * Adds the products of one row with units of a tile, of four groups of lanes.
   *
   * @param at index of the first unit's first word
   * @param sums receives {@code [TILE]} sums from index 0 on
   */
  static void multiply(
      Packing packing, int[] words, int at, int units, float[] in, int inAt, float[] sums) {
    switch (packing) {
      case BYTES -> oneByBytes(words, at, units, in, inAt, sums, 0, -128);
      case NIBBLES -> oneByNibbles(words, at, units, in, inAt, sums, 0, -8);
      default -> oneByNibblesAndMinimum(words, at, units, in, inAt, sums, 0);
    }
  }

  private static void nibblesAndMinimum(int[] words, int at, int units, float[] to) {
    for (int n = 0; n < units * GROUPS; n++) {
      int u = n / GROUPS;
      int lane = n % GROUPS * LANES;
      int unit = at + u * NIBBLES_AND_MINIMUM + lane;
      IntVector head = IntVector.fromArray(INTS, words, unit);
      FloatVector scale =
          head.lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum =
          head.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      for (int w = 0; w < 4; w++) {
        IntVector word = IntVector.fromArray(INTS, words, unit + TILE + w * TILE);
        int out = lane + (u * 32 + 4 * w) * TILE;
        ((FloatVector) word.and(15).convert(I2F, 0)).fma(scale, minimum).intoArray(to, out);
        ((FloatVector) word.lanewise(LSHR, 8).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 1 * TILE);
        ((FloatVector) word.lanewise(LSHR, 16).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 2 * TILE);
        ((FloatVector) word.lanewise(LSHR, 24).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 3 * TILE);
        ((FloatVector) word.lanewise(LSHR, 4).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 16 * TILE);
        ((FloatVector) word.lanewise(LSHR, 12).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 17 * TILE);
        ((FloatVector) word.lanewise(LSHR, 20).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 18 * TILE);
        ((FloatVector) word.lanewise(LSHR, 28).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 19 * TILE);
      }
    }
  }

  private static void nibbles(int[] words, int at, int units, float[] to) {
    for (int n = 0; n < units * GROUPS; n++) {
      int u = n / GROUPS;
      int lane = n % GROUPS * LANES;
      int shift = lane < TILE / 2 ? 16 : 0;
      int unit = at + u * NIBBLES;
      FloatVector scale =
          IntVector.fromArray(INTS, words, unit + lane % (TILE / 2))
              .lanewise(LSHL, shift)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum = scale.mul(-8);
      for (int w = 0; w < 4; w++) {
        IntVector word = IntVector.fromArray(INTS, words, unit + TILE / 2 + w * TILE + lane);
        int out = lane + (u * 32 + 4 * w) * TILE;
        ((FloatVector) word.and(15).convert(I2F, 0)).fma(scale, minimum).intoArray(to, out);
        ((FloatVector) word.lanewise(LSHR, 8).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 1 * TILE);
        ((FloatVector) word.lanewise(LSHR, 16).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 2 * TILE);
        ((FloatVector) word.lanewise(LSHR, 24).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 3 * TILE);
        ((FloatVector) word.lanewise(LSHR, 4).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 16 * TILE);
        ((FloatVector) word.lanewise(LSHR, 12).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 17 * TILE);
        ((FloatVector) word.lanewise(LSHR, 20).and(15).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 18 * TILE);
        ((FloatVector) word.lanewise(LSHR, 28).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 19 * TILE);
      }
    }
  }

  private static void bytes(int[] words, int at, int units, float[] to) {
    for (int n = 0; n < units * GROUPS; n++) {
      int u = n / GROUPS;
      int lane = n % GROUPS * LANES;
      int shift = lane < TILE / 2 ? 16 : 0;
      int unit = at + u * BYTES;
      FloatVector scale =
          IntVector.fromArray(INTS, words, unit + lane % (TILE / 2))
              .lanewise(LSHL, shift)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum = scale.mul(-128);
      for (int w = 0; w < 8; w++) {
        IntVector word = IntVector.fromArray(INTS, words, unit + TILE / 2 + w * TILE + lane);
        int out = lane + (u * 32 + 4 * w) * TILE;
        ((FloatVector) word.and(255).convert(I2F, 0)).fma(scale, minimum).intoArray(to, out);
        ((FloatVector) word.lanewise(LSHR, 8).and(255).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 1 * TILE);
        ((FloatVector) word.lanewise(LSHR, 16).and(255).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 2 * TILE);
        ((FloatVector) word.lanewise(LSHR, 24).convert(I2F, 0))
            .fma(scale, minimum)
            .intoArray(to, out + 3 * TILE);
      }
    }
  }

  private static void oneByNibblesAndMinimum(
      int[] words, int at, int units, float[] in, int inAt, float[] sums, int to) {
    FloatVector sum0 = FloatVector.zero(FLOATS);
    FloatVector sum1 = sum0;
    FloatVector sum2 = sum0;
    FloatVector sum3 = sum0;
    for (int u = 0; u < units; u++) {
      int unit = at + u * NIBBLES_AND_MINIMUM;
      IntVector head0 = IntVector.fromArray(INTS, words, unit + 0 * LANES);
      FloatVector scale0 =
          head0
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum0 =
          head0.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      IntVector head1 = IntVector.fromArray(INTS, words, unit + 1 * LANES);
      FloatVector scale1 =
          head1
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum1 =
          head1.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      IntVector head2 = IntVector.fromArray(INTS, words, unit + 2 * LANES);
      FloatVector scale2 =
          head2
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum2 =
          head2.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      IntVector head3 = IntVector.fromArray(INTS, words, unit + 3 * LANES);
      FloatVector scale3 =
          head3
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum3 =
          head3.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      for (int w = 0; w < 8; w++) {
        int shift = w & 4;
        int word = unit + TILE + (w & 3) * TILE;
        IntVector word0 =
            IntVector.fromArray(INTS, words, word + 0 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        IntVector word1 =
            IntVector.fromArray(INTS, words, word + 1 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        IntVector word2 =
            IntVector.fromArray(INTS, words, word + 2 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        IntVector word3 =
            IntVector.fromArray(INTS, words, word + 3 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        int x = inAt + 32 * u + 4 * w;
        FloatVector x0 = FloatVector.broadcast(FLOATS, in[x + 0]);
        sum0 = ((FloatVector) word0.and(255).convert(I2F, 0)).fma(scale0, minimum0).fma(x0, sum0);
        sum1 = ((FloatVector) word1.and(255).convert(I2F, 0)).fma(scale1, minimum1).fma(x0, sum1);
        sum2 = ((FloatVector) word2.and(255).convert(I2F, 0)).fma(scale2, minimum2).fma(x0, sum2);
        sum3 = ((FloatVector) word3.and(255).convert(I2F, 0)).fma(scale3, minimum3).fma(x0, sum3);
        FloatVector x1 = FloatVector.broadcast(FLOATS, in[x + 1]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x1, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x1, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x1, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x1, sum3);
        FloatVector x2 = FloatVector.broadcast(FLOATS, in[x + 2]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x2, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x2, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x2, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x2, sum3);
        FloatVector x3 = FloatVector.broadcast(FLOATS, in[x + 3]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x3, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x3, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x3, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x3, sum3);
      }
    }
    FloatVector.fromArray(FLOATS, sums, to + 0 * LANES).add(sum0).intoArray(sums, to + 0 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 1 * LANES).add(sum1).intoArray(sums, to + 1 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 2 * LANES).add(sum2).intoArray(sums, to + 2 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 3 * LANES).add(sum3).intoArray(sums, to + 3 * LANES);
  }

  private static void oneByNibbles(
      int[] words, int at, int units, float[] in, int inAt, float[] sums, int to, float zero) {
    FloatVector sum0 = FloatVector.zero(FLOATS);
    FloatVector sum1 = sum0;
    FloatVector sum2 = sum0;
    FloatVector sum3 = sum0;
    for (int u = 0; u < units; u++) {
      int unit = at + u * NIBBLES;
      IntVector head0 = IntVector.fromArray(INTS, words, unit + 0 * LANES);
      FloatVector scale0 =
          head0
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum0 = scale0.mul(zero);
      IntVector head1 = IntVector.fromArray(INTS, words, unit + 1 * LANES);
      FloatVector scale1 =
          head1
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum1 = scale1.mul(zero);
      FloatVector scale2 =
          head0.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      FloatVector minimum2 = scale2.mul(zero);
      FloatVector scale3 =
          head1.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      FloatVector minimum3 = scale3.mul(zero);
      for (int w = 0; w < 8; w++) {
        int shift = w & 4;
        int word = unit + TILE / 2 + (w & 3) * TILE;
        IntVector word0 =
            IntVector.fromArray(INTS, words, word + 0 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        IntVector word1 =
            IntVector.fromArray(INTS, words, word + 1 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        IntVector word2 =
            IntVector.fromArray(INTS, words, word + 2 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        IntVector word3 =
            IntVector.fromArray(INTS, words, word + 3 * LANES)
                .lanewise(LSHR, shift)
                .and(0x0F0F0F0F);
        int x = inAt + 32 * u + 4 * w;
        FloatVector x0 = FloatVector.broadcast(FLOATS, in[x + 0]);
        sum0 = ((FloatVector) word0.and(255).convert(I2F, 0)).fma(scale0, minimum0).fma(x0, sum0);
        sum1 = ((FloatVector) word1.and(255).convert(I2F, 0)).fma(scale1, minimum1).fma(x0, sum1);
        sum2 = ((FloatVector) word2.and(255).convert(I2F, 0)).fma(scale2, minimum2).fma(x0, sum2);
        sum3 = ((FloatVector) word3.and(255).convert(I2F, 0)).fma(scale3, minimum3).fma(x0, sum3);
        FloatVector x1 = FloatVector.broadcast(FLOATS, in[x + 1]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x1, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x1, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x1, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x1, sum3);
        FloatVector x2 = FloatVector.broadcast(FLOATS, in[x + 2]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x2, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x2, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x2, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x2, sum3);
        FloatVector x3 = FloatVector.broadcast(FLOATS, in[x + 3]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x3, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x3, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x3, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x3, sum3);
      }
    }
    FloatVector.fromArray(FLOATS, sums, to + 0 * LANES).add(sum0).intoArray(sums, to + 0 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 1 * LANES).add(sum1).intoArray(sums, to + 1 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 2 * LANES).add(sum2).intoArray(sums, to + 2 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 3 * LANES).add(sum3).intoArray(sums, to + 3 * LANES);
  }

  private static void oneByBytes(
      int[] words, int at, int units, float[] in, int inAt, float[] sums, int to, float zero) {
    FloatVector sum0 = FloatVector.zero(FLOATS);
    FloatVector sum1 = sum0;
    FloatVector sum2 = sum0;
    FloatVector sum3 = sum0;
    for (int u = 0; u < units; u++) {
      int unit = at + u * BYTES;
      IntVector head0 = IntVector.fromArray(INTS, words, unit + 0 * LANES);
      FloatVector scale0 =
          head0
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum0 = scale0.mul(zero);
      IntVector head1 = IntVector.fromArray(INTS, words, unit + 1 * LANES);
      FloatVector scale1 =
          head1
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(Halves.MASK)
              .reinterpretAsFloats()
              .mul(Halves.BIAS);
      FloatVector minimum1 = scale1.mul(zero);
      FloatVector scale2 =
          head0.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      FloatVector minimum2 = scale2.mul(zero);
      FloatVector scale3 =
          head1.lanewise(ASHR, 3).and(Halves.MASK).reinterpretAsFloats().mul(Halves.BIAS);
      FloatVector minimum3 = scale3.mul(zero);
      for (int w = 0; w < 8; w++) {
        int word = unit + TILE / 2 + w * TILE;
        IntVector word0 = IntVector.fromArray(INTS, words, word + 0 * LANES);
        IntVector word1 = IntVector.fromArray(INTS, words, word + 1 * LANES);
        IntVector word2 = IntVector.fromArray(INTS, words, word + 2 * LANES);
        IntVector word3 = IntVector.fromArray(INTS, words, word + 3 * LANES);
        int x = inAt + 32 * u + 4 * w;
        FloatVector x0 = FloatVector.broadcast(FLOATS, in[x + 0]);
        sum0 = ((FloatVector) word0.and(255).convert(I2F, 0)).fma(scale0, minimum0).fma(x0, sum0);
        sum1 = ((FloatVector) word1.and(255).convert(I2F, 0)).fma(scale1, minimum1).fma(x0, sum1);
        sum2 = ((FloatVector) word2.and(255).convert(I2F, 0)).fma(scale2, minimum2).fma(x0, sum2);
        sum3 = ((FloatVector) word3.and(255).convert(I2F, 0)).fma(scale3, minimum3).fma(x0, sum3);
        FloatVector x1 = FloatVector.broadcast(FLOATS, in[x + 1]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x1, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x1, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x1, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 8).and(255).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x1, sum3);
        FloatVector x2 = FloatVector.broadcast(FLOATS, in[x + 2]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x2, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x2, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x2, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 16).and(255).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x2, sum3);
        FloatVector x3 = FloatVector.broadcast(FLOATS, in[x + 3]);
        sum0 =
            ((FloatVector) word0.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale0, minimum0)
                .fma(x3, sum0);
        sum1 =
            ((FloatVector) word1.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale1, minimum1)
                .fma(x3, sum1);
        sum2 =
            ((FloatVector) word2.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale2, minimum2)
                .fma(x3, sum2);
        sum3 =
            ((FloatVector) word3.lanewise(LSHR, 24).convert(I2F, 0))
                .fma(scale3, minimum3)
                .fma(x3, sum3);
      }
    }
    FloatVector.fromArray(FLOATS, sums, to + 0 * LANES).add(sum0).intoArray(sums, to + 0 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 1 * LANES).add(sum1).intoArray(sums, to + 1 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 2 * LANES).add(sum2).intoArray(sums, to + 2 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 3 * LANES).add(sum3).intoArray(sums, to + 3 * LANES);
  }
}
