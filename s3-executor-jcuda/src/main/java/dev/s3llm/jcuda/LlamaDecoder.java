package dev.s3llm.jcuda;

import dev.s3llm.jcuda.model.LlamaWeights;
import dev.s3llm.jcuda.model.LlamaWeights.Linear;
import dev.s3llm.jcuda.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The forward pass of a Llama-family decoder over a ragged batch, in terms of {@link Kernels}:
 * RMSNorm, rotary embedding, grouped-query attention over paged KV, SwiGLU (Touvron et al. 2023).
 *
 * @param <M> the backend's matrices
 */
final class LlamaDecoder<M> {
  private final ModelConfig config;
  private final LlamaWeights weights;
  private final Kernels<M> kernels;
  private final List<LayerMatrices<M>> layers = new ArrayList<>();
  private final M output;

  /**
   * Creates a decoder.
   *
   * @param upload brings a matrix into the backend's layout
   */
  LlamaDecoder(
      ModelConfig config, LlamaWeights weights, Kernels<M> kernels, Function<Linear, M> upload) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    for (LlamaWeights.Layer layer : weights.layers()) {
      layers.add(
          new LayerMatrices<>(
              upload.apply(layer.query()),
              upload.apply(layer.key()),
              upload.apply(layer.value()),
              upload.apply(layer.attentionOutput()),
              upload.apply(layer.gate()),
              upload.apply(layer.up()),
              upload.apply(layer.down())));
    }
    this.output =
        upload.apply(
            new Linear(config.vocabularySize(), config.hiddenSize(), weights.output(), null));
  }

  private record LayerMatrices<M>(
      M query, M key, M value, M attentionOutput, M gate, M up, M down) {}

  /** Runs the batch; returns the logits of each sampled row, {@code [sampled][vocabulary]}. */
  float[] forward(BatchLayout batch) {
    int hidden = config.hiddenSize();
    float[] stream = new float[batch.rows * hidden];
    kernels.embed(weights.embedding(), batch.tokens, batch.rows, hidden, stream);
    Workspace work = new Workspace(config, batch.rows);
    for (int i = 0; i < layers.size(); i++) {
      attention(i, batch, stream, work);
      feedForward(i, batch.rows, stream, work);
    }
    return logits(batch, stream);
  }

  private void attention(int i, BatchLayout batch, float[] stream, Workspace work) {
    LayerMatrices<M> matrices = layers.get(i);
    int rows = batch.rows;
    float[] frequencies = config.rope().frequencies();
    kernels.rmsNorm(
        stream, weights.layers().get(i).attentionNorm(), config.normEpsilon(), rows, work.normed);
    kernels.multiply(matrices.query, work.normed, rows, work.queries);
    kernels.multiply(matrices.key, work.normed, rows, work.keys);
    kernels.multiply(matrices.value, work.normed, rows, work.values);
    kernels.rotate(work.queries, batch.positions, rows, config.heads(), frequencies);
    kernels.rotate(work.keys, batch.positions, rows, config.kvHeads(), frequencies);
    kernels.store(i, batch, work.keys, work.values);
    kernels.attend(i, batch, work.queries, config.heads(), work.attended);
    kernels.multiply(matrices.attentionOutput, work.attended, rows, work.normed);
    kernels.add(stream, work.normed, rows * config.hiddenSize());
  }

  private void feedForward(int i, int rows, float[] stream, Workspace work) {
    LayerMatrices<M> matrices = layers.get(i);
    kernels.rmsNorm(
        stream, weights.layers().get(i).feedForwardNorm(), config.normEpsilon(), rows, work.normed);
    kernels.multiply(matrices.gate, work.normed, rows, work.gate);
    kernels.multiply(matrices.up, work.normed, rows, work.up);
    kernels.gatedSilu(work.gate, work.up, rows * config.intermediateSize());
    kernels.multiply(matrices.down, work.gate, rows, work.normed);
    kernels.add(stream, work.normed, rows * config.hiddenSize());
  }

  /** Only rows that sample need the last norm and the output matrix. */
  private float[] logits(BatchLayout batch, float[] stream) {
    int hidden = config.hiddenSize();
    int sampled = batch.sampledRows.length;
    float[] last = new float[sampled * hidden];
    for (int s = 0; s < sampled; s++) {
      System.arraycopy(stream, batch.sampledRows[s] * hidden, last, s * hidden, hidden);
    }
    float[] normed = new float[sampled * hidden];
    kernels.rmsNorm(last, weights.finalNorm(), config.normEpsilon(), sampled, normed);
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

    Workspace(ModelConfig config, int rows) {
      normed = new float[rows * config.hiddenSize()];
      queries = new float[rows * config.querySize()];
      keys = new float[rows * config.kvSize()];
      values = new float[rows * config.kvSize()];
      attended = new float[rows * config.querySize()];
      gate = new float[rows * config.intermediateSize()];
      up = new float[rows * config.intermediateSize()];
    }
  }
}
