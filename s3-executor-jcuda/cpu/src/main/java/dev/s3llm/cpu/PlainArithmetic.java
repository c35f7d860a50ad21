package dev.s3llm.cpu;

/** The inner loops in plain Java, written so that the JIT compiler vectorises most of them. */
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
    float[] chunk = new float[lanes];
    int c = 0;
    for (; c + 4 <= columns; c += 4) {
      int w = at + c * stride;
      float x0 = in[inAt + c];
      float x1 = in[inAt + c + 1];
      float x2 = in[inAt + c + 2];
      float x3 = in[inAt + c + 3];
      for (int j = 0; j < lanes; j++) {
        chunk[j] =
            chunk[j]
                + x0 * weights[w + j]
                + x1 * weights[w + stride + j]
                + x2 * weights[w + 2 * stride + j]
                + x3 * weights[w + 3 * stride + j];
      }
    }
    for (; c < columns; c++) {
      for (int j = 0; j < lanes; j++) {
        chunk[j] += in[inAt + c] * weights[at + c * stride + j];
      }
    }
    for (int j = 0; j < lanes; j++) {
      sums[sumsAt + j] += chunk[j];
    }
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
    for (int r = 0; r < 4; r++) {
      multiply(
          weights,
          at,
          stride,
          lanes,
          columns,
          in,
          inAt + r * inStride,
          sums,
          sumsAt + r * sumsStride);
    }
  }

  @Override
  void exp(float[] values, int from, int to) {
    for (int i = from; i < to; i++) {
      values[i] = Exponential.exp(values[i]);
    }
  }
}
