package dev.s3llm.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a decoder as floats. Matrices are row-major {@code [out][in]}, as in the files.
 * Shared between threads; must not be changed.
 *
 * @param embedding {@code [vocabulary][hidden]}
 * @param layers weights of each decoder layer, first to last
 * @param finalNorm norm before the output matrix
 * @param output {@code [vocabulary][hidden]}; the embedding itself if the output is tied
 */
@SuppressWarnings("ArrayRecordComponent") // shared tensors, never compared
public record ModelWeights(float[] embedding, List<Layer> layers, Norm finalNorm, Linear output) {

  /**
   * The weights of one decoder layer.
   *
   * @param attentionNorm norm before the attention
   * @param query query projection
   * @param key key projection
   * @param value value projection
   * @param attentionOutput projection of the attention's result
   * @param feedForwardNorm norm before the feed-forward part; null where both parts share one
   * @param gate gate of the feed-forward part; null where it has none
   * @param up first matrix of the feed-forward part
   * @param down last matrix of the feed-forward part
   */
  public record Layer(
      Norm attentionNorm,
      Linear query,
      Linear key,
      Linear value,
      Linear attentionOutput,
      @Nullable Norm feedForwardNorm,
      @Nullable Linear gate,
      Linear up,
      Linear down) {

    private long elements() {
      Norm norm = feedForwardNorm;
      Linear gated = gate;
      return attentionNorm.elements()
          + query.elements()
          + key.elements()
          + value.elements()
          + attentionOutput.elements()
          + (norm == null ? 0 : norm.elements())
          + (gated == null ? 0 : gated.elements())
          + up.elements()
          + down.elements();
    }
  }

  /**
   * A norm.
   *
   * @param weight scale {@code [width]}
   * @param bias bias {@code [width]} of a LayerNorm; null for an RMSNorm
   */
  public record Norm(float[] weight, float @Nullable [] bias) {
    private long elements() {
      return (long) weight.length + (bias == null ? 0 : bias.length);
    }
  }

  /**
   * A matrix with an optional bias.
   *
   * @param out rows: the width of the result
   * @param in columns: the width of the input
   * @param matrix {@code [out][in]}
   * @param bias {@code [out]}, or null
   */
  public record Linear(int out, int in, float[] matrix, float @Nullable [] bias) {
    private long elements() {
      return (long) matrix.length + (bias == null ? 0 : bias.length);
    }
  }

  /**
   * Reads all weights and checks every shape.
   *
   * @param config shape of the model
   * @param source tensors of the model; stays open
   * @throws ModelFormatException naming the tensor and what is wrong
   */
  public static ModelWeights read(ModelConfig config, TensorSource source) {
    return new Reader(config, source).read();
  }

  /** Returns the number of floats of all tensors; a tied output matrix counts. */
  public long elements() {
    long elements = embedding.length + finalNorm.elements() + output.elements();
    for (Layer layer : layers) {
      elements += layer.elements();
    }
    return elements;
  }

  /** Reads the weights of one model from one source. */
  private record Reader(ModelConfig config, TensorSource source) {

    ModelWeights read() {
      WeightNames names = WeightNames.of(config.family());
      int vocabulary = config.vocabularySize();
      int hidden = config.hiddenSize();
      float[] embedding = floats(names.embedding() + ".weight", vocabulary, hidden);
      List<Layer> layers = new ArrayList<>();
      for (int i = 0; i < config.layers(); i++) {
        layers.add(layer(names.layer(i)));
      }
      boolean tied = config.tiedOutput() || !source.contains(names.output() + ".weight");
      Linear output =
          tied
              ? new Linear(vocabulary, hidden, embedding, null)
              : linear(names.output(), vocabulary, hidden);
      return new ModelWeights(embedding, List.copyOf(layers), norm(names.finalNorm()), output);
    }

    private Layer layer(WeightNames.Layer names) {
      int hidden = config.hiddenSize();
      int inner = config.intermediateSize();
      String norm = names.feedForwardNorm();
      String gate = names.gate();
      return new Layer(
          norm(names.attentionNorm()),
          linear(names.query(), config.querySize(), hidden),
          linear(names.key(), config.kvSize(), hidden),
          linear(names.value(), config.kvSize(), hidden),
          linear(names.attentionOutput(), hidden, config.querySize()),
          norm == null ? null : norm(norm),
          gate == null ? null : linear(gate, inner, hidden),
          linear(names.up(), inner, hidden),
          linear(names.down(), hidden, inner));
    }

    private Norm norm(String name) {
      int hidden = config.hiddenSize();
      return new Norm(floats(name + ".weight", hidden), bias(name, hidden));
    }

    private Linear linear(String name, int out, int in) {
      return new Linear(out, in, floats(name + ".weight", out, in), bias(name, out));
    }

    private float @Nullable [] bias(String name, int size) {
      return source.contains(name + ".bias") ? floats(name + ".bias", size) : null;
    }

    private float[] floats(String name, long... shape) {
      return source.tensor(name, shape).floats();
    }
  }
}
