package dev.s3llm.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a decoder as floats. Matrices are row-major {@code [out][in]}, as the files hold
 * them. Shared, never changed.
 *
 * @param embedding {@code [vocabulary][hidden]}
 * @param layers one for each decoder layer
 * @param output {@code [vocabulary][hidden]}; the embedding itself if tied
 */
@SuppressWarnings("ArrayRecordComponent") // shared tensors, never compared
public record ModelWeights(float[] embedding, List<Layer> layers, Norm finalNorm, Linear output) {

  /**
   * One decoder layer.
   *
   * @param feedForwardNorm null where attention and feed-forward share one
   * @param gate null where the feed-forward layer has none
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
      Linear down) {}

  /** A norm's scale {@code [width]}, and its bias, which RMSNorm has not. */
  public record Norm(float[] weight, float @Nullable [] bias) {}

  /** A matrix {@code [out][in]} and its optional bias {@code [out]}. */
  public record Linear(int out, int in, float[] matrix, float @Nullable [] bias) {}

  /**
   * Reads all weights and checks every shape.
   *
   * @throws ModelFormatException naming the tensor and what is wrong
   */
  public static ModelWeights read(ModelConfig config, TensorSource source) {
    return new Reader(config, source).read();
  }

  /** Reads from one source. */
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
