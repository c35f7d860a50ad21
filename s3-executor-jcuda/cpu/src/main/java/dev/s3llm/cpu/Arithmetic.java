package dev.s3llm.cpu;

/**
 * The inner loops of the kernels. Each result is the same sequence of operations wherever its row
 * lies in a batch, so that it is bitwise the same in any batch.
 */
abstract class Arithmetic {
  /** The least argument of {@link #exp}: its exponential is a normal number. */
  static final float LEAST = -87;

  /** The largest argument of {@link #exp}. */
  static final float LARGEST = 88;

  private static final float MINUS_TWICE_ROOT_2_OVER_PI = (float) (-2 * Math.sqrt(2 / Math.PI));

  /**
   * Returns products of matrices with this arithmetic.
   *
   * @param workers the threads that take part
   */
  abstract MatrixProduct product(WorkerPool workers);

  /**
   * Multiplies one row: {@code sums[j] += sum over c of in[c] * weights[c * stride + j]} for each
   * {@code j < lanes}. The inner sum begins at zero and takes the columns in order.
   *
   * @param weights {@code [columns][stride]}
   * @param at index of the first weight
   * @param stride floats from a column to the next, at least {@code lanes}
   * @param lanes number of sums
   * @param columns number of columns
   * @param in the row
   * @param inAt index of the row's first value
   * @param sums the sums
   * @param sumsAt index of the first sum
   */
  abstract void multiply(
      float[] weights,
      int at,
      int stride,
      int lanes,
      int columns,
      float[] in,
      int inAt,
      float[] sums,
      int sumsAt);

  /**
   * Multiplies four rows as {@link #multiply} does each.
   *
   * @param inStride floats from a row to the next
   * @param sumsStride sums from a row to the next
   */
  abstract void multiplyFour(
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
      int sumsStride);

  /**
   * Multiplies any number of rows as {@link #multiply} does each.
   *
   * @param rows number of rows
   */
  final void multiplyAll(
      float[] weights,
      int at,
      int stride,
      int lanes,
      int columns,
      float[] in,
      int inAt,
      int inStride,
      int rows,
      float[] sums,
      int sumsStride) {
    int r = 0;
    for (; r + 4 <= rows; r += 4) {
      int row = inAt + r * inStride;
      int sum = r * sumsStride;
      multiplyFour(weights, at, stride, lanes, columns, in, row, inStride, sums, sum, sumsStride);
    }
    for (; r < rows; r++) {
      int row = inAt + r * inStride;
      multiply(weights, at, stride, lanes, columns, in, row, sums, r * sumsStride);
    }
  }

  /**
   * {@code to[toAt + i] = codes[at + i] * scale} for each {@code i < count}.
   *
   * @param scale the scale of all codes
   */
  abstract void widen(byte[] codes, int at, int count, float scale, float[] to, int toAt);

  /**
   * {@code to[toAt + i] = codes[at + i] * scales[scalesAt + i]} for each {@code i < count}.
   *
   * @param scales the scale of each code
   */
  abstract void widen(
      byte[] codes, int at, int count, float[] scales, int scalesAt, float[] to, int toAt);

  /**
   * Replaces values by their exponentials, with an error of about one unit in the last place. A
   * value below {@value #LEAST} counts as that, one above {@value #LARGEST} as that.
   */
  abstract void exp(float[] values, int from, int to);

  /**
   * {@code gate[i] = silu(gate[i]) * up[i]} for each index from {@code from} to {@code to}.
   *
   * @param work memory of at least {@code to - from} floats
   */
  final void gatedSilu(float[] gate, float[] up, int from, int to, float[] work) {
    int count = to - from;
    for (int i = 0; i < count; i++) {
      work[i] = -gate[from + i];
    }
    exp(work, 0, count);
    for (int i = 0; i < count; i++) {
      gate[from + i] = gate[from + i] / (1 + work[i]) * up[from + i];
    }
  }

  /**
   * {@code values[at + i] *= sigmoid(gates[gatesAt + i])} for each {@code i < count}; with the same
   * array twice, {@code silu}.
   *
   * @param work memory of at least {@code count} floats
   */
  final void timesSigmoid(
      float[] values, int at, float[] gates, int gatesAt, int count, float[] work) {
    for (int i = 0; i < count; i++) {
      work[i] = -gates[gatesAt + i];
    }
    exp(work, 0, count);
    for (int i = 0; i < count; i++) {
      values[at + i] /= 1 + work[i];
    }
  }

  /**
   * {@code values[i] = gelu(values[i])}, in the tanh form (Hendrycks and Gimpel 2016): {@code (1 +
   * tanh(z)) / 2} is {@code 1 / (1 + exp(-2z))}.
   *
   * @param work memory of at least {@code to - from} floats
   */
  final void gelu(float[] values, int from, int to, float[] work) {
    int count = to - from;
    for (int i = 0; i < count; i++) {
      float v = values[from + i];
      work[i] = MINUS_TWICE_ROOT_2_OVER_PI * (v + 0.044715f * v * v * v);
    }
    exp(work, 0, count);
    for (int i = 0; i < count; i++) {
      values[from + i] /= 1 + work[i];
    }
  }

  /** {@code gate[i] = gelu(gate[i]) * up[i]}, as {@link #gelu}. */
  final void gatedGelu(float[] gate, float[] up, int from, int to, float[] work) {
    gelu(gate, from, to, work);
    for (int i = from; i < to; i++) {
      gate[i] *= up[i];
    }
  }

  /**
   * Makes scores the weights of a softmax.
   *
   * @param scores the scores
   * @param from index of the first score
   * @param to index after the last score; greater than {@code from}
   * @param scale factor of the scores before all else
   * @param softcap limit of the scaled scores, {@code c * tanh(score / c)}; 0: none
   * @param sink a further score, which takes part without a weight; negative infinity: none
   */
  final void softmax(float[] scores, int from, int to, float scale, float softcap, float sink) {
    for (int i = from; i < to; i++) {
      scores[i] *= scale;
    }
    if (softcap != 0) {
      for (int i = from; i < to; i++) {
        scores[i] = softcap * (float) Math.tanh(scores[i] / softcap);
      }
    }
    float max = Math.max(sink, max(scores, from, to));
    for (int i = from; i < to; i++) {
      scores[i] -= max;
    }
    exp(scores, from, to);
    float inverse = (float) (1 / (sum(scores, from, to) + Math.exp(sink - max)));
    for (int i = from; i < to; i++) {
      scores[i] *= inverse;
    }
  }

  private static float max(float[] values, int from, int to) {
    float even = values[from];
    float odd = even;
    int i = from;
    for (; i + 2 <= to; i += 2) {
      even = Math.max(even, values[i]);
      odd = Math.max(odd, values[i + 1]);
    }
    return Math.max(Math.max(even, odd), values[to - 1]);
  }

  private static double sum(float[] values, int from, int to) {
    double even = 0;
    double odd = 0;
    int i = from;
    for (; i + 2 <= to; i += 2) {
      even += values[i];
      odd += values[i + 1];
    }
    return even + odd + (i < to ? values[i] : 0);
  }
}
