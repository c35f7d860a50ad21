package dev.s3llm.cpu;

/** The inner loops in plain Java, with sums in registers. */
final class PlainArithmetic extends Arithmetic {
  private static final int TILE = CpuMatrix.TILE;

  @Override
  void decode(CpuMatrix matrix, int at, int columns, float[] to) {
    Packing packing = matrix.packing;
    int[] words = matrix.words;
    int units = (columns + packing.columns - 1) / packing.columns;
    for (int u = 0; u < units; u++) {
      int unit = at + u * packing.words;
      int out = u * packing.columns * TILE;
      switch (packing) {
        case HALVES -> halves(words, unit, to, out);
        case BRAIN_HALVES -> brainHalves(words, unit, to, out);
        case BYTES -> bytes(words, unit, to, out);
        case NIBBLES -> nibbles(words, unit, to, out);
        case NIBBLES_AND_MINIMUM -> nibblesAndMinimum(words, unit, to, out);
        case FLOATS -> throw new IllegalArgumentException("floats need no decoding");
      }
    }
  }

  private static void halves(int[] words, int unit, float[] to, int out) {
    for (int lane = 0; lane < TILE; lane++) {
      to[out + lane] = Halves.toFloat(words[unit + lane]);
      to[out + TILE + lane] = Halves.toFloat(words[unit + lane] >>> 16);
    }
  }

  private static void brainHalves(int[] words, int unit, float[] to, int out) {
    for (int lane = 0; lane < TILE; lane++) {
      to[out + lane] = Float.intBitsToFloat(words[unit + lane] << 16);
      to[out + TILE + lane] = Float.intBitsToFloat(words[unit + lane] & 0xFFFF0000);
    }
  }

  private static void bytes(int[] words, int unit, float[] to, int out) {
    for (int lane = 0; lane < TILE; lane++) {
      int half = words[unit + lane % (TILE / 2)] >>> (lane / (TILE / 2) * 16);
      float scale = Halves.toFloat(half);
      int first = unit + TILE / 2 + lane;
      for (int w = 0; w < 8; w++) {
        int word = words[first + w * TILE];
        int at = out + 4 * w * TILE + lane;
        to[at] = ((word & 255) - 128) * scale;
        to[at + TILE] = ((word >>> 8 & 255) - 128) * scale;
        to[at + 2 * TILE] = ((word >>> 16 & 255) - 128) * scale;
        to[at + 3 * TILE] = ((word >>> 24) - 128) * scale;
      }
    }
  }

  private static void nibbles(int[] words, int unit, float[] to, int out) {
    for (int lane = 0; lane < TILE; lane++) {
      int half = words[unit + lane % (TILE / 2)] >>> (lane / (TILE / 2) * 16);
      float scale = Halves.toFloat(half);
      eachNibble(words, unit + TILE / 2 + lane, scale, -8 * scale, to, out + lane);
    }
  }

  private static void nibblesAndMinimum(int[] words, int unit, float[] to, int out) {
    for (int lane = 0; lane < TILE; lane++) {
      int head = words[unit + lane];
      float scale = Halves.toFloat(head);
      float minimum = Halves.toFloat(head >>> 16);
      eachNibble(words, unit + TILE + lane, scale, minimum, to, out + lane);
    }
  }

  private static void eachNibble(
      int[] words, int first, float scale, float minimum, float[] to, int out) {
    for (int w = 0; w < 4; w++) {
      int word = words[first + w * TILE];
      int at = out + 4 * w * TILE;
      to[at] = (word & 15) * scale + minimum;
      to[at + TILE] = (word >>> 8 & 15) * scale + minimum;
      to[at + 2 * TILE] = (word >>> 16 & 15) * scale + minimum;
      to[at + 3 * TILE] = (word >>> 24 & 15) * scale + minimum;
      to[at + 16 * TILE] = (word >>> 4 & 15) * scale + minimum;
      to[at + 17 * TILE] = (word >>> 12 & 15) * scale + minimum;
      to[at + 18 * TILE] = (word >>> 20 & 15) * scale + minimum;
      to[at + 19 * TILE] = (word >>> 28) * scale + minimum;
    }
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
    for (; lane + 8 <= lanes; lane += 8) {
      oneByEight(weights, at + lane, stride, columns, in, inAt, sums, sumsAt + lane);
    }
    for (; lane < lanes; lane++) {
      float sum = 0;
      for (int c = 0; c < columns; c++) {
        sum += in[inAt + c] * weights[at + c * stride + lane];
      }
      sums[sumsAt + lane] += sum;
    }
  }

  /** Eight sums in registers: as many additions in flight as a processor has room for. */
  private static void oneByEight(
      float[] weights,
      int at,
      int stride,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      int to) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    for (int c = 0; c < columns; c++) {
      float x = in[inAt + c];
      int w = at + c * stride;
      s0 += x * weights[w];
      s1 += x * weights[w + 1];
      s2 += x * weights[w + 2];
      s3 += x * weights[w + 3];
      s4 += x * weights[w + 4];
      s5 += x * weights[w + 5];
      s6 += x * weights[w + 6];
      s7 += x * weights[w + 7];
    }
    sums[to] += s0;
    sums[to + 1] += s1;
    sums[to + 2] += s2;
    sums[to + 3] += s3;
    sums[to + 4] += s4;
    sums[to + 5] += s5;
    sums[to + 6] += s6;
    sums[to + 7] += s7;
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
    for (; lane + 2 <= lanes; lane += 2) {
      fourByTwo(
          weights, at + lane, stride, columns, in, inAt, inStride, sums, sumsAt + lane, sumsStride);
    }
    for (int r = 0; r < 4 && lane < lanes; r++) {
      int row = sumsAt + r * sumsStride + lane;
      multiply(weights, at + lane, stride, 1, columns, in, inAt + r * inStride, sums, row);
    }
  }

  private static void fourByTwo(
      float[] weights,
      int at,
      int stride,
      int columns,
      float[] in,
      int inA,
      int inStride,
      float[] sums,
      int to,
      int sumsStride) {
    float a0 = 0;
    float a1 = 0;
    float b0 = 0;
    float b1 = 0;
    float c0 = 0;
    float c1 = 0;
    float d0 = 0;
    float d1 = 0;
    int inB = inA + inStride;
    int inC = inB + inStride;
    int inD = inC + inStride;
    for (int i = 0; i < columns; i++) {
      float w0 = weights[at + i * stride];
      float w1 = weights[at + i * stride + 1];
      float a = in[inA + i];
      a0 += a * w0;
      a1 += a * w1;
      float b = in[inB + i];
      b0 += b * w0;
      b1 += b * w1;
      float c = in[inC + i];
      c0 += c * w0;
      c1 += c * w1;
      float d = in[inD + i];
      d0 += d * w0;
      d1 += d * w1;
    }
    sums[to] += a0;
    sums[to + 1] += a1;
    sums[to + sumsStride] += b0;
    sums[to + sumsStride + 1] += b1;
    sums[to + 2 * sumsStride] += c0;
    sums[to + 2 * sumsStride + 1] += c1;
    sums[to + 3 * sumsStride] += d0;
    sums[to + 3 * sumsStride + 1] += d1;
  }

  @Override
  void exp(float[] values, int from, int to) {
    for (int i = from; i < to; i++) {
      values[i] = Exponential.exp(values[i]);
    }
  }
}
