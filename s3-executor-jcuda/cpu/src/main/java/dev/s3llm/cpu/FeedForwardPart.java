package dev.s3llm.cpu;

import dev.s3llm.model.ModelConfig.FeedForward;
import java.util.Arrays;

/**
 * The feed-forward part of a layer: dense, or the experts that its router chooses for each row.
 * Keeps its buffers from layer to layer of one pass, so it is for one thread.
 */
final class FeedForwardPart {
  private static final float[] NONE = {};

  private final CpuKernels kernels;
  private float[] gates = NONE;
  private float[] ups = NONE;

  FeedForwardPart(CpuKernels kernels) {
    this.kernels = kernels;
  }

  /**
   * Computes the part for all rows.
   *
   * @param part its arithmetic
   * @param weights its weights
   * @param in {@code [rows][hidden]}
   * @param out receives {@code [rows][hidden]}
   */
  void run(FeedForward part, CpuWeights.Experts weights, float[] in, int rows, float[] out) {
    CpuMatrix router = weights.router();
    if (router == null || part.experts() == null) {
      dense(part, weights.experts().get(0), in, rows, out);
    } else {
      float[] logits = new float[rows * router.out()];
      kernels.multiply(router, in, rows, logits);
      Routes routes = Routes.of(logits, rows, part.experts());
      experts(part, weights, routes, in, out);
    }
  }

  private void dense(
      FeedForward part, CpuWeights.Expert expert, float[] in, int rows, float[] out) {
    int count = Math.multiplyExact(rows, part.size());
    ups = atLeast(ups, count);
    float[] up = ups;
    kernels.multiply(expert.up(), in, rows, up);
    CpuMatrix gateMatrix = expert.gate();
    float[] activated = up;
    if (gateMatrix == null) {
      kernels.gelu(up, count);
    } else {
      gates = atLeast(gates, count);
      float[] gate = gates;
      kernels.multiply(gateMatrix, in, rows, gate);
      gate(part, gate, up, count);
      activated = gate;
    }
    kernels.multiply(expert.down(), activated, rows, out);
  }

  private static float[] atLeast(float[] buffer, int count) {
    return buffer.length >= count ? buffer : new float[count];
  }

  private void gate(FeedForward part, float[] gate, float[] up, int count) {
    switch (part.activation()) {
      case SILU -> kernels.gatedSilu(gate, up, count);
      case GELU_TANH -> kernels.gatedGelu(gate, up, count);
      case CLAMPED_SWIGLU -> clampedSwiglu(gate, up, count);
    }
  }

  /** {@code gate[i] = (up + 1) * gate * sigmoid(1.702 gate)}, both within 7 (gpt-oss). */
  private static void clampedSwiglu(float[] gate, float[] up, int count) {
    for (int i = 0; i < count; i++) {
      float bounded = Math.min(gate[i], 7);
      float linear = Math.max(-7, Math.min(up[i], 7));
      gate[i] = (float) ((linear + 1) * bounded / (1 + Math.exp(-1.702 * bounded)));
    }
  }

  /**
   * Runs each expert once, over the rows that chose it. Results are added in the order of the
   * experts' numbers, so that a row's result is the same in any batch.
   */
  private void experts(
      FeedForward part, CpuWeights.Experts weights, Routes routes, float[] in, float[] out) {
    int hidden = weights.experts().get(0).up().in();
    Arrays.fill(out, 0, routes.rows() * hidden, 0);
    for (int e = 0; e < weights.experts().size(); e++) {
      int[] rows = routes.rowsOf(e);
      if (rows.length > 0) {
        float[] own = new float[rows.length * hidden];
        for (int i = 0; i < rows.length; i++) {
          System.arraycopy(in, rows[i] * hidden, own, i * hidden, hidden);
        }
        float[] results = new float[own.length];
        dense(part, weights.experts().get(e), own, rows.length, results);
        for (int i = 0; i < rows.length; i++) {
          float weight = routes.weight(rows[i], e);
          int at = rows[i] * hidden;
          for (int j = 0; j < hidden; j++) {
            out[at + j] += weight * results[i * hidden + j];
          }
        }
      }
    }
  }
}
