package dev.s3llm.cpu;

/** The inner loops in plain Java, with sums in registers. */
final class PlainArithmetic extends Arithmetic {
  @Override
  MatrixProduct product(WorkerPool workers) {
    return new WideProduct(workers);
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
  void widen(byte[] codes, int at, int count, float scale, float[] to, int toAt) {
    for (int i = 0; i < count; i++) {
      to[toAt + i] = codes[at + i] * scale;
    }
  }

  @Override
  void widen(byte[] codes, int at, int count, float[] scales, int scalesAt, float[] to, int toAt) {
    for (int i = 0; i < count; i++) {
      to[toAt + i] = codes[at + i] * scales[scalesAt + i];
    }
  }

  @Override
  void exp(float[] values, int from, int to) {
    for (int i = from; i < to; i++) {
      values[i] = Exponential.exp(values[i]);
    }
  }
}
