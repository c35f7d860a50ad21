package dev.s3llm.cpu;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a decoder in the heap, as the kernels read them: matrices in the format of the
 * files, the rest as floats.
 *
 * @param embedding {@code [vocabulary][hidden]}
 * @param layers weights of each decoder layer
 * @param finalNorm norm before the output matrix
 * @param output {@code [vocabulary][hidden]}; the embedding itself if the output is tied
 */
record CpuWeights(CpuMatrix embedding, List<Layer> layers, Norm finalNorm, CpuMatrix output) {
  /** The weights of one layer; norms are null where the family has none at that place. */
  record Layer(Norms norms, Attention attention, Experts feedForward) {}

  /** The norms of a layer; null where the family has none at that place. */
  record Norms(
      @Nullable Norm beforeAttention,
      @Nullable Norm afterAttention,
      @Nullable Norm beforeFeedForward,
      @Nullable Norm afterFeedForward) {}

  /** The attention of a layer. */
  @SuppressWarnings("ArrayRecordComponent") // shared, never compared
  record Attention(
      CpuMatrix query,
      CpuMatrix key,
      CpuMatrix value,
      CpuMatrix output,
      @Nullable Norm queryNorm,
      @Nullable Norm keyNorm,
      float @Nullable [] sinks) {}

  /** A router and its experts, or a single expert without a router. */
  record Experts(@Nullable CpuMatrix router, List<Expert> experts) {}

  /** The matrices of a dense feed-forward part, or of an expert. */
  record Expert(@Nullable CpuMatrix gate, CpuMatrix up, CpuMatrix down) {}

  /** The scale of a norm, and its bias if it is a LayerNorm. */
  @SuppressWarnings("ArrayRecordComponent") // shared, never compared
  record Norm(float[] scale, float @Nullable [] bias) {}

  /**
   * Reads all weights.
   *
   * @param config configuration of the model, or of a part of it
   * @param tensors its tensors
   */
  static CpuWeights read(ModelConfig config, ModelTensors tensors) {
    ModelTensors.Linear last = tensors.output();
    CpuMatrix embedding =
        CpuMatrix.of(tensors.embedding(), config.vocabularySize(), config.hiddenSize(), null);
    List<Layer> layers = new ArrayList<>();
    for (ModelTensors.Layer layer : tensors.layers()) {
      layers.add(new Layer(norms(layer.norms()), attention(layer.attention()), experts(layer)));
    }
    boolean shared = last.matrix().equals(tensors.embedding());
    CpuMatrix output = shared ? embedding : matrix(last);
    return new CpuWeights(embedding, List.copyOf(layers), norm(tensors.finalNorm()), output);
  }

  private static Norms norms(ModelTensors.Norms norms) {
    return new Norms(
        optional(norms.beforeAttention()),
        optional(norms.afterAttention()),
        optional(norms.beforeFeedForward()),
        optional(norms.afterFeedForward()));
  }

  private static Attention attention(ModelTensors.Attention attention) {
    Tensor sinks = attention.sinks();
    return new Attention(
        matrix(attention.query()),
        matrix(attention.key()),
        matrix(attention.value()),
        matrix(attention.output()),
        optional(attention.queryNorm()),
        optional(attention.keyNorm()),
        sinks == null ? null : sinks.floats());
  }

  private static Experts experts(ModelTensors.Layer layer) {
    ModelTensors.Linear router = layer.feedForward().router();
    List<Expert> experts = new ArrayList<>();
    for (ModelTensors.Expert expert : layer.feedForward().experts()) {
      ModelTensors.Linear gate = expert.gate();
      experts.add(
          new Expert(
              gate == null ? null : matrix(gate), matrix(expert.up()), matrix(expert.down())));
    }
    return new Experts(router == null ? null : matrix(router), List.copyOf(experts));
  }

  private static CpuMatrix matrix(ModelTensors.Linear linear) {
    return CpuMatrix.of(linear);
  }

  private static @Nullable Norm optional(ModelTensors.@Nullable Norm norm) {
    return norm == null ? null : norm(norm);
  }

  private static Norm norm(ModelTensors.Norm norm) {
    Tensor bias = norm.bias();
    return new Norm(norm.scale(), bias == null ? null : bias.floats());
  }

  /** Returns the bytes of heap that the matrices take; the rest is small. */
  long bytes() {
    long bytes = embedding.bytes() + (output.equals(embedding) ? 0 : output.bytes());
    for (Layer layer : layers) {
      Attention attention = layer.attention;
      bytes += attention.query.bytes() + attention.key.bytes() + attention.value.bytes();
      bytes += attention.output.bytes();
      for (Expert expert : layer.feedForward.experts) {
        CpuMatrix gate = expert.gate;
        bytes += (gate == null ? 0 : gate.bytes()) + expert.up.bytes() + expert.down.bytes();
      }
    }
    return bytes;
  }
}
