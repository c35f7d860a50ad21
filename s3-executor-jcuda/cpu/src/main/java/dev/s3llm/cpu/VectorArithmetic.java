package dev.s3llm.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The inner loops with the vector API of the JDK. */
final class VectorArithmetic extends TileArithmetic {
  /** At most 256 bits: wider ones have too few sums in flight for one row. */
  private static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() > 8
          ? FloatVector.SPECIES_256
          : FloatVector.SPECIES_PREFERRED;

  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, FLOATS.vectorShape());
  private static final int LANES = FLOATS.length();
  private static final int TILE = CpuMatrix.TILE;

  /** Vectors of a tile's rows. */
  private static final int GROUPS = TILE / LANES;

  /** Words of a unit. */
  private static final int NIBBLES_AND_MINIMUM = Packing.NIBBLES_AND_MINIMUM.words;

  private static final int NIBBLES = Packing.NIBBLES.words;
  private static final int BYTES = Packing.BYTES.words;

  private static final FloatVector LOG2_E_VECTOR = all(Exponential.LOG2_E);
  private static final FloatVector ROUND_VECTOR = all(Exponential.ROUND);
  private static final FloatVector LN2_HIGH_VECTOR = all(-Exponential.LN2_HIGH);
  private static final FloatVector LN2_LOW_VECTOR = all(-Exponential.LN2_LOW);
  private static final FloatVector ONE = all(1);
  private static final FloatVector C2 = all(Exponential.C2);
  private static final FloatVector C3 = all(Exponential.C3);
  private static final FloatVector C4 = all(Exponential.C4);
  private static final FloatVector C5 = all(Exponential.C5);
  private static final FloatVector C6 = all(Exponential.C6);
  private static final FloatVector C7 = all(Exponential.C7);

  private static FloatVector all(float value) {
    return FloatVector.broadcast(FLOATS, value);
  }

  @Override
  void decode(CpuMatrix matrix, int at, int columns, float[] to) {
    int units = (columns + matrix.packing.columns - 1) / matrix.packing.columns;
    int[] words = matrix.words;
    switch (matrix.packing) {
      case HALVES -> halves(words, at, units, to);
      case BRAIN_HALVES -> brainHalves(words, at, units, to);
      case BYTES -> bytes(words, at, units, to);
      case NIBBLES -> nibbles(words, at, units, to);
      case NIBBLES_AND_MINIMUM -> nibblesAndMinimum(words, at, units, to);
      case FLOATS -> throw new IllegalArgumentException("floats need no decoding");
    }
  }

  private static void halves(int[] words, int at, int units, float[] to) {
    for (int u = 0; u < units; u++) {
      for (int lane = 0; lane < TILE; lane += LANES) {
        IntVector word = IntVector.fromArray(INTS, words, at + u * TILE + lane);
        int out = 2 * u * TILE + lane;
        word.lanewise(LSHL, 16)
            .lanewise(ASHR, 3)
            .and(Halves.MASK)
            .reinterpretAsFloats()
            .mul(Halves.BIAS)
            .intoArray(to, out);
        word.lanewise(ASHR, 3)
            .and(Halves.MASK)
            .reinterpretAsFloats()
            .mul(Halves.BIAS)
            .intoArray(to, out + TILE);
      }
    }
  }

  private static void brainHalves(int[] words, int at, int units, float[] to) {
    for (int u = 0; u < units; u++) {
      for (int lane = 0; lane < TILE; lane += LANES) {
        IntVector word = IntVector.fromArray(INTS, words, at + u * TILE + lane);
        int out = 2 * u * TILE + lane;
        word.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(to, out);
        word.and(0xFFFF0000).reinterpretAsFloats().intoArray(to, out + TILE);
      }
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

  @Override
  boolean multiplyPacked(
      CpuMatrix matrix, int at, int columns, float[] in, int inAt, float[] sums, int sumsAt) {
    if (GROUPS != 4) {
      return false;
    }
    int[] words = matrix.words;
    int units = columns / matrix.packing.columns;
    switch (matrix.packing) {
      case BYTES -> oneByBytes(words, at, units, in, inAt, sums, sumsAt, -128);
      case NIBBLES -> oneByNibbles(words, at, units, in, inAt, sums, sumsAt, -8);
      case NIBBLES_AND_MINIMUM -> oneByNibblesAndMinimum(words, at, units, in, inAt, sums, sumsAt);
      default -> {
        return false;
      }
    }
    return true;
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

  @Override
  void multiply(
      float[] weights,
      int at,
      int stride,
      int lanes,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      int sumsAt) {
    int lane = 0;
    for (; lane + 4 * LANES <= lanes; lane += 4 * LANES) {
      multiplyByFour(weights, at + lane, stride, columns, in, inAt, sums, sumsAt + lane);
    }
    for (; lane + LANES <= lanes; lane += LANES) {
      multiplyByOne(weights, at + lane, stride, columns, in, inAt, sums, sumsAt + lane);
    }
    for (; lane < lanes; lane++) {
      float sum = 0;
      for (int i = 0; i < columns; i++) {
        sum = Math.fma(weights[at + i * stride + lane], in[inAt + i], sum);
      }
      sums[sumsAt + lane] += sum;
    }
  }

  private static void multiplyByFour(
      float[] weights,
      int at,
      int stride,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      int to) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int i = 0; i < columns; i++) {
      int w = at + i * stride;
      FloatVector x = FloatVector.broadcast(FLOATS, in[inAt + i]);
      a = FloatVector.fromArray(FLOATS, weights, w).fma(x, a);
      b = FloatVector.fromArray(FLOATS, weights, w + LANES).fma(x, b);
      c = FloatVector.fromArray(FLOATS, weights, w + 2 * LANES).fma(x, c);
      d = FloatVector.fromArray(FLOATS, weights, w + 3 * LANES).fma(x, d);
    }
    FloatVector.fromArray(FLOATS, sums, to).add(a).intoArray(sums, to);
    FloatVector.fromArray(FLOATS, sums, to + LANES).add(b).intoArray(sums, to + LANES);
    FloatVector.fromArray(FLOATS, sums, to + 2 * LANES).add(c).intoArray(sums, to + 2 * LANES);
    FloatVector.fromArray(FLOATS, sums, to + 3 * LANES).add(d).intoArray(sums, to + 3 * LANES);
  }

  private static void multiplyByOne(
      float[] weights,
      int at,
      int stride,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      int to) {
    FloatVector a = FloatVector.zero(FLOATS);
    for (int i = 0; i < columns; i++) {
      FloatVector x = FloatVector.broadcast(FLOATS, in[inAt + i]);
      a = FloatVector.fromArray(FLOATS, weights, at + i * stride).fma(x, a);
    }
    FloatVector.fromArray(FLOATS, sums, to).add(a).intoArray(sums, to);
  }

  @Override
  void multiplyFour(
      float[] weights,
      int at,
      int stride,
      int lanes,
      int columns,
      float[] in,
      int inAt,
      int inStride,
      float[] sums,
      int sumsAt,
      int sumsStride) {
    int lane = 0;
    for (; lane + 2 * LANES <= lanes; lane += 2 * LANES) {
      fourByTwo(
          weights, at + lane, stride, columns, in, inAt, inStride, sums, sumsAt + lane, sumsStride);
    }
    for (int r = 0; r < 4 && lane < lanes; r++) {
      int row = sumsAt + r * sumsStride + lane;
      int left = lanes - lane;
      multiply(weights, at + lane, stride, left, columns, in, inAt + r * inStride, sums, row);
    }
  }

  private static void fourByTwo(
      float[] weights,
      int at,
      int stride,
      int columns,
      float[] in,
      int inAt,
      int inStride,
      float[] sums,
      int to,
      int sumsStride) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    int inB = inAt + inStride;
    int inC = inB + inStride;
    int inD = inC + inStride;
    for (int i = 0; i < columns; i++) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, weights, at + i * stride);
      FloatVector w1 = FloatVector.fromArray(FLOATS, weights, at + i * stride + LANES);
      FloatVector a = FloatVector.broadcast(FLOATS, in[inAt + i]);
      FloatVector b = FloatVector.broadcast(FLOATS, in[inB + i]);
      FloatVector c = FloatVector.broadcast(FLOATS, in[inC + i]);
      FloatVector d = FloatVector.broadcast(FLOATS, in[inD + i]);
      a0 = w0.fma(a, a0);
      a1 = w1.fma(a, a1);
      b0 = w0.fma(b, b0);
      b1 = w1.fma(b, b1);
      c0 = w0.fma(c, c0);
      c1 = w1.fma(c, c1);
      d0 = w0.fma(d, d0);
      d1 = w1.fma(d, d1);
    }
    FloatVector.fromArray(FLOATS, sums, to).add(a0).intoArray(sums, to);
    FloatVector.fromArray(FLOATS, sums, to + LANES).add(a1).intoArray(sums, to + LANES);
    FloatVector.fromArray(FLOATS, sums, to + sumsStride).add(b0).intoArray(sums, to + sumsStride);
    FloatVector.fromArray(FLOATS, sums, to + sumsStride + LANES)
        .add(b1)
        .intoArray(sums, to + sumsStride + LANES);
    FloatVector.fromArray(FLOATS, sums, to + 2 * sumsStride)
        .add(c0)
        .intoArray(sums, to + 2 * sumsStride);
    FloatVector.fromArray(FLOATS, sums, to + 2 * sumsStride + LANES)
        .add(c1)
        .intoArray(sums, to + 2 * sumsStride + LANES);
    FloatVector.fromArray(FLOATS, sums, to + 3 * sumsStride)
        .add(d0)
        .intoArray(sums, to + 3 * sumsStride);
    FloatVector.fromArray(FLOATS, sums, to + 3 * sumsStride + LANES)
        .add(d1)
        .intoArray(sums, to + 3 * sumsStride + LANES);
  }

  @Override
  void exp(float[] values, int from, int to) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector x = FloatVector.fromArray(FLOATS, values, i).max(LEAST).min(LARGEST);
      FloatVector rounded = x.fma(LOG2_E_VECTOR, ROUND_VECTOR);
      FloatVector n = rounded.sub(Exponential.ROUND);
      FloatVector r = n.fma(LN2_LOW_VECTOR, n.fma(LN2_HIGH_VECTOR, x));
      FloatVector p = r.fma(C7, C6);
      p = p.fma(r, C5);
      p = p.fma(r, C4);
      p = p.fma(r, C3);
      p = p.fma(r, C2);
      p = p.fma(r, ONE);
      p = p.fma(r, ONE);
      p.reinterpretAsInts()
          .add(rounded.reinterpretAsInts().lanewise(LSHL, 23))
          .reinterpretAsFloats()
          .intoArray(values, i);
    }
    for (; i < to; i++) {
      values[i] = Exponential.fused(values[i]);
    }
  }
}
