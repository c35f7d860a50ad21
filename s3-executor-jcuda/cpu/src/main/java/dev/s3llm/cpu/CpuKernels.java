package dev.s3llm.cpu;

import dev.s3llm.model.RotaryEmbedding;
import dev.s3llm.model.RoundedInput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The decoder's kernels, on a few threads. Every sum is added in a fixed order that depends on the
 * row alone, so results are bitwise the same in any batch and on any number of threads.
 */
final class CpuKernels {
  /** Multiplications below which more threads make a kernel slower. */
  private static final long WORTH_SHARING = 50_000;

  /** Elements of a part of an elementwise loop. */
  private static final int PIECE = 4096;

  private final CpuKvCache cache;
  private final WorkerPool workers;
  private final Arithmetic arithmetic;
  private final Scratch[] scratch;
  private final MatrixProduct product;
  private final List<RotationTable> tables = new ArrayList<>();
  private float[] rounded = {};

  CpuKernels(CpuKvCache cache, WorkerPool workers) {
    this(cache, workers, VectorSupport.arithmetic());
  }

  CpuKernels(CpuKvCache cache, WorkerPool workers, Arithmetic arithmetic) {
    this.cache = cache;
    this.workers = workers;
    this.arithmetic = arithmetic;
    this.product = arithmetic.product(workers);
    this.scratch = new Scratch[workers.threads()];
    Arrays.setAll(scratch, thread -> new Scratch(arithmetic));
  }

  /** Computes an RMS norm, or a LayerNorm where the norm has a bias; {@code out} may be in. */
  void norm(float[] in, CpuWeights.Norm norm, float epsilon, int rows, float[] out) {
    float[] bias = norm.bias();
    if (bias == null) {
      rmsNorm(in, norm.scale(), epsilon, rows, out);
    } else {
      layerNorm(in, norm.scale(), bias, epsilon, rows, out);
    }
  }

  /**
   * {@code out[r] = in[r] / sqrt(mean(in[r]^2) + epsilon) * weight}; the width is that of the
   * weight. {@code out} may be {@code in}.
   */
  void rmsNorm(float[] in, float[] weight, float epsilon, int rows, float[] out) {
    int width = weight.length;
    workers.forEach(
        rows, rows * width > PIECE, (thread, r) -> rmsNormRow(in, weight, epsilon, r * width, out));
  }

  private static void rmsNormRow(float[] in, float[] weight, float epsilon, int base, float[] out) {
    double squares = squares(in, base, weight.length);
    scaleRow(in, weight, (float) (1 / Math.sqrt(squares / weight.length + epsilon)), base, out);
  }

  private static double squares(float[] in, int base, int width) {
    double even = 0;
    double odd = 0;
    int i = 0;
    for (; i + 2 <= width; i += 2) {
      double first = in[base + i];
      double second = in[base + i + 1];
      even += first * first;
      odd += second * second;
    }
    if (i < width) {
      even += (double) in[base + i] * in[base + i];
    }
    return even + odd;
  }

  private static void scaleRow(float[] in, float[] weight, float scale, int base, float[] out) {
    for (int i = 0; i < weight.length; i++) {
      out[base + i] = in[base + i] * scale * weight[i];
    }
  }

  /**
   * {@code sums[r] += sum(in[r]^2)}: a shard's part of the mean square of a norm over all heads.
   */
  void addSquares(float[] in, int width, int rows, double[] sums) {
    workers.forEach(
        rows, rows * width > PIECE, (thread, r) -> sums[r] += squares(in, r * width, width));
  }

  /**
   * {@code rows[r] = rows[r] / sqrt(sums[r] / count + epsilon) * weight}.
   *
   * @param sums sums of the squares of all shards' rows
   * @param count elements of a row over all shards
   */
  void rmsNormOfAll(
      float[] rowsOfHeads, float[] weight, float epsilon, int rows, double[] sums, int count) {
    workers.forEach(
        rows,
        rows * weight.length > PIECE,
        (thread, r) -> {
          float scale = (float) (1 / Math.sqrt(sums[r] / count + epsilon));
          scaleRow(rowsOfHeads, weight, scale, r * weight.length, rowsOfHeads);
        });
  }

  /** {@code out[r] = (in[r] - mean) / sqrt(variance + epsilon) * weight + bias}. */
  void layerNorm(float[] in, float[] weight, float[] bias, float epsilon, int rows, float[] out) {
    int width = weight.length;
    workers.forEach(
        rows,
        rows * width > PIECE,
        (thread, r) -> layerNormRow(in, weight, bias, epsilon, r * width, out));
  }

  private static void layerNormRow(
      float[] in, float[] weight, float[] bias, float epsilon, int base, float[] out) {
    int width = weight.length;
    double sum = 0;
    for (int i = 0; i < width; i++) {
      sum += in[base + i];
    }
    float mean = (float) (sum / width);
    double squares = 0;
    for (int i = 0; i < width; i++) {
      squares += (in[base + i] - mean) * (in[base + i] - mean);
    }
    float scale = (float) (1 / Math.sqrt(squares / width + epsilon));
    for (int i = 0; i < width; i++) {
      out[base + i] = (in[base + i] - mean) * scale * weight[i] + bias[i];
    }
  }

  /** {@code out[r] = matrix * in[r] (+ bias)}, with in rounded as the matrix says. */
  void multiply(CpuMatrix matrix, float[] in, int rows, float[] out) {
    RoundedInput rounding = matrix.input;
    product.multiply(
        matrix, rounding == null ? in : rounded(in, rounding, rows, matrix.in()), rows, out);
  }

  private float[] rounded(float[] in, RoundedInput rounding, int rows, int width) {
    if (rounded.length < rows * width) {
      rounded = new float[rows * width];
    }
    float[] to = rounded;
    workers.forEach(
        rows, rows * width > PIECE, (thread, r) -> rounding.round(in, r * width, width, to));
    return to;
  }

  /** {@code into[i] += from[i]}. */
  void add(float[] into, float[] from, int count) {
    inPieces(
        count,
        (first, last, work) -> {
          for (int i = first; i < last; i++) {
            into[i] += from[i];
          }
        });
  }

  /** {@code gate[i] = silu(gate[i]) * up[i]}. */
  void gatedSilu(float[] gate, float[] up, int count) {
    inPieces(count, (from, to, work) -> arithmetic.gatedSilu(gate, up, from, to, work));
  }

  /** {@code gate[i] = gelu(gate[i]) * up[i]}, in the tanh form (Hendrycks and Gimpel 2016). */
  void gatedGelu(float[] gate, float[] up, int count) {
    inPieces(count, (from, to, work) -> arithmetic.gatedGelu(gate, up, from, to, work));
  }

  /** {@code values[i] = gelu(values[i])}, in the tanh form. */
  void gelu(float[] values, int count) {
    inPieces(count, (from, to, work) -> arithmetic.gelu(values, from, to, work));
  }

  /** {@code values[i] = silu(values[i])}. */
  void silu(float[] values, int count) {
    inPieces(
        count,
        (from, to, work) -> arithmetic.timesSigmoid(values, from, values, from, to - from, work));
  }

  /** {@code out[r][i] = in[r][i] * sigmoid(in[r][width + i])}; a row of in is twice as wide. */
  void glu(float[] in, int rows, int width, float[] out) {
    workers.forEach(
        rows,
        rows * width > PIECE,
        (thread, r) -> {
          System.arraycopy(in, 2 * r * width, out, r * width, width);
          float[] work = scratch[thread].scores(width);
          arithmetic.timesSigmoid(out, r * width, in, (2 * r + 1) * width, width, work);
        });
  }

  /** Part of a loop over elements. */
  @FunctionalInterface
  private interface Piece {
    void run(int from, int to, float[] work);
  }

  private void inPieces(int count, Piece piece) {
    workers.forEach(
        (count + PIECE - 1) / PIECE,
        count > PIECE,
        (thread, p) ->
            piece.run(p * PIECE, Math.min(count, (p + 1) * PIECE), scratch[thread].work));
  }

  /** Rotates each head of each row by its position. */
  void rotate(float[] heads, int[] positions, int rows, int headCount, RotaryEmbedding rope) {
    RotationTable table = rotations(positions, rope);
    workers.forEach(
        rows,
        (long) rows * headCount * cache.headSize > PIECE,
        (thread, row) -> table.rotate(heads, row, headCount, cache.headSize));
  }

  /** Returns sines and cosines of a step: all layers with the same embedding share them. */
  private RotationTable rotations(int[] positions, RotaryEmbedding rope) {
    for (RotationTable table : tables) {
      if (table.isFor(positions, rope)) {
        return table;
      }
    }
    tables.removeIf(table -> !table.isFor(positions));
    RotationTable table = new RotationTable(positions, rope);
    tables.add(table);
    return table;
  }

  /** Stores a layer's keys and values of all rows into their KV slots. */
  void store(int layer, BatchLayout batch, float[] keys, float[] values) {
    int width = cache.kvHeads * cache.headSize;
    for (int r = 0; r < batch.rows; r++) {
      int block = blockOf(batch, r, batch.positions[r]);
      int slot = batch.positions[r] % cache.blockTokens;
      cache.store(layer, block, slot, keys, values, r * width);
    }
  }

  private int blockOf(BatchLayout batch, int row, int position) {
    return batch.blockTables[batch.sequenceOfRow[row]][position / cache.blockTokens];
  }

  /** Attends from each row to its sequence's positions up to its own, as a rule says. */
  void attend(int layer, BatchLayout batch, float[] queries, AttentionRule rule, float[] out) {
    attend(layer, batch, SeenSlots.upToOwn(batch, rule), queries, rule, out);
  }

  /** Attends from each row to the slots that it sees; a window of the rule does not count. */
  void attend(
      int layer,
      BatchLayout batch,
      SeenSlots seen,
      float[] queries,
      AttentionRule rule,
      float[] out) {
    Attention attention = new Attention(cache, arithmetic, batch, layer, rule, seen, queries, out);
    int groups = attention.groups();
    workers.forEach(
        groups * rule.kvHeads(),
        attention.work() >= WORTH_SHARING,
        (thread, item) -> attention.run(item % groups, item / groups, scratch[thread]));
  }

  /** Memory of one thread. */
  static final class Scratch {
    final Arithmetic arithmetic;
    final float[] work = new float[PIECE];
    private float[] scores = {};
    private float[] widened = {};

    Scratch(Arithmetic arithmetic) {
      this.arithmetic = arithmetic;
    }

    /** Returns an array of at least some length for a head's part of a block. */
    float[] widened(int length) {
      if (widened.length < length) {
        widened = new float[length];
      }
      return widened;
    }

    /** Returns an array of at least some length, of any content. */
    float[] scores(int length) {
      if (scores.length < length) {
        scores = new float[Math.max(length, 2 * scores.length)];
      }
      return scores;
    }
  }
}
