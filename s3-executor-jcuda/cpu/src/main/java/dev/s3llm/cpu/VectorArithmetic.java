package dev.s3llm.cpu;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The inner loops with the vector API of the JDK. */
final class VectorArithmetic extends TileArithmetic {
  /** At most 256 bits: wider ones have too few sums in flight for one row. */
  static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() > 8
          ? FloatVector.SPECIES_256
          : FloatVector.SPECIES_PREFERRED;

  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
  private static final int LANES = FLOATS.length();

  /** Eight bytes: as many lanes as the widest vector of floats, or more. */
  private static final VectorSpecies<Byte> CODES = ByteVector.SPECIES_64;

  private static final int TILE = CpuMatrix.TILE;

  /** Vectors of a tile's rows. */
  private static final int GROUPS = TILE / LANES;

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
  void decode(CpuMatrix matrix, int tile, int column, int columns, float[] to, Memory memory) {
    int units = (columns + matrix.packing.columns - 1) / matrix.packing.columns;
    switch (matrix.packing) {
      case FLOATS -> throw new IllegalArgumentException("floats need no decoding");
      case HALVES -> halves(matrix.words, matrix.unit(tile, column), units, to);
      case BRAIN_HALVES -> brainHalves(matrix.words, matrix.unit(tile, column), units, to);
      case BYTES, NIBBLES, NIBBLES_AND_MINIMUM ->
          VectorSmallBlocks.decode(
              matrix.packing, matrix.words, matrix.unit(tile, column), units, to);
      default -> {
        VectorFactors.decode(matrix, tile, column, columns, memory.factors);
        VectorBlocks.decode(matrix, tile, column, columns, memory, to);
      }
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

  @Override
  boolean multiplyPacked(
      CpuMatrix matrix,
      int tile,
      int column,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      Memory memory) {
    if (GROUPS != 4) {
      return false;
    }
    if (VectorSmallBlocks.handles(matrix.packing)) {
      int at = matrix.unit(tile, column);
      int units = columns / matrix.packing.columns;
      VectorSmallBlocks.multiply(matrix.packing, matrix.words, at, units, in, inAt, sums);
    } else if (matrix.packing == Packing.SUPER_NIBBLES) {
      VectorFactors.decode(matrix, tile, column, columns, memory.factors);
      int at = matrix.integers(tile, column);
      int blocks = columns / Packing.BLOCK;
      VectorBlocks.multiply(matrix.words, at, blocks, memory.factors, in, inAt, sums);
    } else {
      return false;
    }
    return true;
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
  void widen(byte[] codes, int at, int count, float scale, float[] to, int toAt) {
    int i = 0;
    for (; i + CODES.length() <= count; i += CODES.length()) {
      ByteVector eight = ByteVector.fromArray(CODES, codes, at + i);
      for (int part = 0; part < CODES.length() / LANES; part++) {
        numbers(eight, part).mul(scale).intoArray(to, toAt + i + part * LANES);
      }
    }
    for (; i < count; i++) {
      to[toAt + i] = codes[at + i] * scale;
    }
  }

  @Override
  void widen(byte[] codes, int at, int count, float[] scales, int scalesAt, float[] to, int toAt) {
    int i = 0;
    for (; i + CODES.length() <= count; i += CODES.length()) {
      ByteVector eight = ByteVector.fromArray(CODES, codes, at + i);
      for (int part = 0; part < CODES.length() / LANES; part++) {
        int lane = i + part * LANES;
        numbers(eight, part)
            .mul(FloatVector.fromArray(FLOATS, scales, scalesAt + lane))
            .intoArray(to, toAt + lane);
      }
    }
    for (; i < count; i++) {
      to[toAt + i] = codes[at + i] * scales[scalesAt + i];
    }
  }

  private static FloatVector numbers(ByteVector codes, int part) {
    return (FloatVector) codes.convertShape(B2F, FLOATS, part);
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
