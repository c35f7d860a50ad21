package dev.s3llm.cpu;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelWeights;
import dev.s3llm.model.ModelWeights.Linear;
import dev.s3llm.model.ModelWeights.Norm;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a decoder over a ragged batch on the CPU: Llama's, attention before
 * feed-forward (Touvron et al. 2023), and GPT-J's, attention and feed-forward side by side (Wang
 * and Komatsuzaki 2021).
 */
final class CpuDecoder {
  private final ModelConfig config;
  private final ModelWeights weights;
  private final CpuKernels kernels;
  private final List<LayerMatrices> layers = new ArrayList<>();
  private final CpuMatrix output;

  CpuDecoder(ModelConfig config, ModelWeights weights, CpuKernels kernels) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    for (ModelWeights.Layer layer : weights.layers()) {
      Linear gate = layer.gate();
      layers.add(
          new LayerMatrices(
              CpuMatrix.of(layer.query()),
              CpuMatrix.of(layer.key()),
              CpuMatrix.of(layer.value()),
              CpuMatrix.of(layer.attentionOutput()),
              gate == null ? null : CpuMatrix.of(gate),
              CpuMatrix.of(layer.up()),
              CpuMatrix.of(layer.down())));
    }
    this.output = CpuMatrix.of(weights.output());
  }

  private record LayerMatrices(
      CpuMatrix query,
      CpuMatrix key,
      CpuMatrix value,
      CpuMatrix attentionOutput,
      @Nullable CpuMatrix gate,
      CpuMatrix up,
      CpuMatrix down) {}

  /**
   * Returns the bytes of heap that a model takes: each matrix as it was read, and transposed. An
   * estimate from above, since small vectors are not transposed.
   */
  static long bytes(ModelWeights weights) {
    return 2 * Float.BYTES * weights.elements();
  }

  /** Runs the batch and returns the logits of each sampled row, {@code [sampled][vocabulary]}. */
  float[] forward(BatchLayout batch) {
    int hidden = config.hiddenSize();
    float[] stream = new float[batch.rows * hidden];
    kernels.embed(weights.embedding(), batch.tokens, batch.rows, hidden, stream);
    Workspace work = new Workspace(config, batch.rows);
    for (int i = 0; i < layers.size(); i++) {
      LayerMatrices matrices = layers.get(i);
      ModelWeights.Layer layer = weights.layers().get(i);
      Norm feedForwardNorm = layer.feedForwardNorm();
      norm(stream, layer.attentionNorm(), batch.rows, work.normed);
      attention(i, matrices, batch, work);
      kernels.add(stream, work.change, stream.length);
      if (feedForwardNorm != null) { // otherwise both parts read the same normed rows
        norm(stream, feedForwardNorm, batch.rows, work.normed);
      }
      feedForward(matrices, batch.rows, work);
      kernels.add(stream, work.change, stream.length);
    }
    return logits(batch, stream);
  }

  private void norm(float[] in, Norm norm, int rows, float[] out) {
    float[] bias = norm.bias();
    if (bias == null) {
      kernels.rmsNorm(in, norm.weight(), config.normEpsilon(), rows, out);
    } else {
      kernels.layerNorm(in, norm.weight(), bias, config.normEpsilon(), rows, out);
    }
  }

  private void attention(int i, LayerMatrices matrices, BatchLayout batch, Workspace work) {
    int rows = batch.rows;
    kernels.multiply(matrices.query, work.normed, rows, work.queries);
    kernels.multiply(matrices.key, work.normed, rows, work.keys);
    kernels.multiply(matrices.value, work.normed, rows, work.values);
    kernels.rotate(work.queries, batch.positions, rows, config.heads(), config.rope());
    kernels.rotate(work.keys, batch.positions, rows, config.kvHeads(), config.rope());
    kernels.store(i, batch, work.keys, work.values);
    kernels.attend(i, batch, work.queries, config.heads(), work.attended);
    kernels.multiply(matrices.attentionOutput, work.attended, rows, work.change);
  }

  private void feedForward(LayerMatrices matrices, int rows, Workspace work) {
    int count = rows * config.intermediateSize();
    CpuMatrix gate = matrices.gate;
    kernels.multiply(matrices.up, work.normed, rows, work.up);
    if (gate == null) {
      kernels.gelu(work.up, count);
    } else {
      kernels.multiply(gate, work.normed, rows, work.gate);
      kernels.gatedSilu(work.gate, work.up, count);
    }
    kernels.multiply(matrices.down, gate == null ? work.up : work.gate, rows, work.change);
  }

  /** Computes logits for the sampled rows alone: no other row needs the last norm. */
  private float[] logits(BatchLayout batch, float[] stream) {
    int hidden = config.hiddenSize();
    int sampled = batch.sampledRows.length;
    float[] last = new float[sampled * hidden];
    for (int s = 0; s < sampled; s++) {
      System.arraycopy(stream, batch.sampledRows[s] * hidden, last, s * hidden, hidden);
    }
    float[] normed = new float[sampled * hidden];
    norm(last, weights.finalNorm(), sampled, normed);
    float[] logits = new float[Math.multiplyExact(sampled, config.vocabularySize())];
    kernels.multiply(output, normed, sampled, logits);
    return logits;
  }

  /** Buffers of one step. */
  private static final class Workspace {
    final float[] normed;
    final float[] queries;
    final float[] keys;
    final float[] values;
    final float[] attended;
    final float[] gate;
    final float[] up;

    /** Result of a part of a layer, to be added to the stream. */
    final float[] change;

    Workspace(ModelConfig config, int rows) {
      normed = new float[rows * config.hiddenSize()];
      queries = new float[rows * config.querySize()];
      keys = new float[rows * config.kvSize()];
      values = new float[rows * config.kvSize()];
      attended = new float[rows * config.querySize()];
      gate = new float[rows * config.intermediateSize()];
      up = new float[rows * config.intermediateSize()];
      change = new float[rows * config.hiddenSize()];
    }
  }
}
