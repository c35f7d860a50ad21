package dev.s3llm.cpu;

import dev.s3llm.model.RotaryEmbedding;
import java.util.Arrays;

/**
 * The decoder's kernels in plain Java, on a few threads. Every sum is added in a fixed order that
 * depends on the row alone, so results are bitwise the same in any batch.
 */
final class CpuKernels {
  /** Outputs of one tile; its part of a row of results stays in the first-level cache. */
  private static final int TILE_OUT = 256;

  /** Inputs of one tile; with {@link #TILE_OUT} floats each, 32 KiB of weights. */
  private static final int TILE_IN = 32;

  /** Multiplications below which more threads make a kernel slower. */
  private static final long WORTH_SHARING = 50_000;

  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  private final CpuKvCache cache;
  private final WorkerPool workers;

  CpuKernels(CpuKvCache cache, WorkerPool workers) {
    this.cache = cache;
    this.workers = workers;
  }

  /** {@code out[r] = table[tokens[r]]}; the width is the row size. */
  void embed(float[] table, int[] tokens, int rows, int width, float[] out) {
    for (int r = 0; r < rows; r++) {
      System.arraycopy(table, tokens[r] * width, out, r * width, width);
    }
  }

  /** {@code out[r] = in[r] / sqrt(mean(in[r]^2) + epsilon) * weight}. */
  void rmsNorm(float[] in, float[] weight, float epsilon, int rows, float[] out) {
    int width = weight.length;
    for (int r = 0; r < rows; r++) {
      int base = r * width;
      double sum = 0;
      for (int i = 0; i < width; i++) {
        sum += in[base + i] * in[base + i];
      }
      float scale = (float) (1 / Math.sqrt(sum / width + epsilon));
      for (int i = 0; i < width; i++) {
        out[base + i] = in[base + i] * scale * weight[i];
      }
    }
  }

  /** {@code out[r] = (in[r] - mean) / sqrt(variance + epsilon) * weight + bias}. */
  void layerNorm(float[] in, float[] weight, float[] bias, float epsilon, int rows, float[] out) {
    int width = weight.length;
    for (int r = 0; r < rows; r++) {
      int base = r * width;
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
  }

  /** {@code out[r] = matrix * in[r] (+ bias)}. */
  void multiply(CpuMatrix matrix, float[] in, int rows, float[] out) {
    int tiles = (matrix.out + TILE_OUT - 1) / TILE_OUT;
    long work = (long) rows * matrix.in * matrix.out;
    workers.forEach(
        tiles,
        work >= WORTH_SHARING,
        tile -> {
          int from = tile * TILE_OUT;
          multiplyTile(matrix, in, rows, out, from, Math.min(matrix.out, from + TILE_OUT));
        });
  }

  private static void multiplyTile(
      CpuMatrix matrix, float[] in, int rows, float[] out, int from, int to) {
    for (int r = 0; r < rows; r++) {
      if (matrix.bias == null) {
        Arrays.fill(out, r * matrix.out + from, r * matrix.out + to, 0);
      } else {
        System.arraycopy(matrix.bias, from, out, r * matrix.out + from, to - from);
      }
    }
    for (int i = 0; i < matrix.in; i += TILE_IN) {
      int end = Math.min(matrix.in, i + TILE_IN);
      for (int r = 0; r < rows; r++) {
        addProducts(
            matrix.transposed,
            i * matrix.out + from,
            matrix.out,
            in,
            r * matrix.in + i,
            end - i,
            out,
            r * matrix.out + from,
            to - from);
      }
    }
  }

  /**
   * Adds {@code terms} scaled vectors: {@code y[yAt + j] += sum over t of a[aAt + t] * x[xAt + t *
   * stride + j]}, four terms in each pass, so that a result is loaded and stored once for four
   * products.
   */
  private static void addProducts(
      float[] x,
      int xAt,
      int stride,
      float[] a,
      int aAt,
      int terms,
      float[] y,
      int yAt,
      int count) {
    int t = 0;
    for (; t + 4 <= terms; t += 4) {
      int at = xAt + t * stride;
      addScaled4(
          x,
          at,
          at + stride,
          at + 2 * stride,
          at + 3 * stride,
          a[aAt + t],
          a[aAt + t + 1],
          a[aAt + t + 2],
          a[aAt + t + 3],
          y,
          yAt,
          count);
    }
    for (; t < terms; t++) {
      addScaled(x, xAt + t * stride, a[aAt + t], y, yAt, count);
    }
  }

  private static void addScaled4(
      float[] x,
      int at0,
      int at1,
      int at2,
      int at3,
      float a0,
      float a1,
      float a2,
      float a3,
      float[] y,
      int yAt,
      int count) {
    for (int j = 0; j < count; j++) {
      y[yAt + j] =
          y[yAt + j] + a0 * x[at0 + j] + a1 * x[at1 + j] + a2 * x[at2 + j] + a3 * x[at3 + j];
    }
  }

  /** {@code y[yAt + j] += a * x[xAt + j]}. */
  private static void addScaled(float[] x, int xAt, float a, float[] y, int yAt, int count) {
    for (int j = 0; j < count; j++) {
      y[yAt + j] += a * x[xAt + j];
    }
  }

  /** {@code into[i] += from[i]}. */
  void add(float[] into, float[] from, int count) {
    for (int i = 0; i < count; i++) {
      into[i] += from[i];
    }
  }

  /** {@code gate[i] = silu(gate[i]) * up[i]}. */
  void gatedSilu(float[] gate, float[] up, int count) {
    for (int i = 0; i < count; i++) {
      gate[i] = (float) (gate[i] / (1 + Math.exp(-gate[i]))) * up[i];
    }
  }

  /** {@code values[i] = gelu(values[i])}, in the tanh form (Hendrycks and Gimpel 2016). */
  void gelu(float[] values, int count) {
    for (int i = 0; i < count; i++) {
      double v = values[i];
      values[i] = (float) (0.5 * v * (1 + Math.tanh(SQRT_2_OVER_PI * (v + 0.044715 * v * v * v))));
    }
  }

  /** Rotates each head of each row by its position. */
  void rotate(float[] heads, int[] positions, int rows, int headCount, RotaryEmbedding rope) {
    int pairs = rope.frequencies().length;
    int step = rope.interleaved() ? 2 : 1;
    int apart = rope.interleaved() ? 1 : pairs;
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < pairs; i++) {
        float angle = positions[r] * rope.frequencies()[i];
        float cos = rope.magnitude() * (float) Math.cos(angle);
        float sin = rope.magnitude() * (float) Math.sin(angle);
        for (int h = 0; h < headCount; h++) {
          int at = (r * headCount + h) * cache.headSize + step * i;
          float first = heads[at];
          float second = heads[at + apart];
          heads[at] = first * cos - second * sin;
          heads[at + apart] = second * cos + first * sin;
        }
      }
    }
  }

  /** Stores a layer's keys and values of all rows into their KV slots. */
  void store(int layer, BatchLayout batch, float[] keys, float[] values) {
    int size = cache.headSize;
    for (int r = 0; r < batch.rows; r++) {
      int block = blockOf(batch, r, batch.positions[r]);
      int slot = batch.positions[r] % cache.blockTokens;
      float[] blockKeys = cache.keys(block);
      float[] blockValues = cache.values(block);
      for (int h = 0; h < cache.kvHeads; h++) {
        int base = cache.offset(layer, h);
        int from = (r * cache.kvHeads + h) * size;
        for (int d = 0; d < size; d++) {
          blockKeys[base + d * cache.blockTokens + slot] = keys[from + d];
        }
        System.arraycopy(values, from, blockValues, base + slot * size, size);
      }
    }
  }

  private int blockOf(BatchLayout batch, int row, int position) {
    return batch.blockTables[batch.sequenceOfRow[row]][position / cache.blockTokens];
  }

  /** Attends from each row to its sequence's positions up to its own. */
  void attend(int layer, BatchLayout batch, float[] queries, AttentionRule rule, float[] out) {
    int headCount = rule.heads();
    long work = 0;
    for (int r = 0; r < batch.rows; r++) {
      work += (long) batch.positions[r] * headCount * cache.headSize;
    }
    workers.forEach(
        batch.rows,
        work >= WORTH_SHARING,
        row -> {
          float[] scores = new float[batch.positions[row] + cache.blockTokens];
          for (int h = 0; h < headCount; h++) {
            attendHead(layer, batch, row, h, rule, queries, scores, out);
          }
        });
  }

  private void attendHead(
      int layer,
      BatchLayout batch,
      int row,
      int head,
      AttentionRule rule,
      float[] queries,
      float[] scores,
      float[] out) {
    int headCount = rule.heads();
    int size = cache.headSize;
    int at = (row * headCount + head) * size;
    int base = cache.offset(layer, head / (headCount / cache.kvHeads));
    int length = batch.positions[row] + 1;
    Arrays.fill(scores, 0);
    for (int start = 0; start < length; start += cache.blockTokens) {
      float[] keys = cache.keys(blockOf(batch, row, start));
      addProducts(
          keys, base, cache.blockTokens, queries, at, size, scores, start, cache.blockTokens);
    }
    softmax(scores, length, rule, head);
    Arrays.fill(out, at, at + size, 0);
    for (int start = 0; start < length; start += cache.blockTokens) {
      float[] values = cache.values(blockOf(batch, row, start));
      int filled = Math.min(cache.blockTokens, length - start);
      addProducts(values, base, size, scores, start, filled, out, at, size);
    }
  }

  private static void softmax(float[] scores, int length, AttentionRule rule, int head) {
    int from = rule.window() == 0 ? 0 : Math.max(0, length - rule.window());
    float[] sinks = rule.sinks();
    float max = sinks == null ? Float.NEGATIVE_INFINITY : sinks[head];
    for (int i = from; i < length; i++) {
      scores[i] *= rule.scale();
      if (rule.softcap() > 0) {
        scores[i] = (float) (rule.softcap() * Math.tanh(scores[i] / rule.softcap()));
      }
      max = Math.max(max, scores[i]);
    }
    double sum = sinks == null ? 0 : Math.exp(sinks[head] - max);
    Arrays.fill(scores, 0, from, 0);
    for (int i = from; i < length; i++) {
      scores[i] = (float) Math.exp(scores[i] - max);
      sum += scores[i];
    }
    float inverse = (float) (1 / sum);
    for (int i = from; i < length; i++) {
      scores[i] *= inverse;
    }
  }

  void gatedGelu(float[] gate, float[] up, int count) {
    gelu(gate, count);
    for (int i = 0; i < count; i++) {
      gate[i] *= up[i];
    }
  }
}
