package dev.s3llm.jcuda.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a Llama-family decoder as floats. Matrices are row-major {@code [out][in]}, as the
 * files hold them. Shared, never changed.
 *
 * @param embedding {@code [vocabulary][hidden]}
 * @param layers one for each decoder layer
 * @param finalNorm {@code [hidden]}
 * @param output {@code [vocabulary][hidden]}; the embedding itself if tied
 */
@SuppressWarnings("ArrayRecordComponent") // shared tensors, never compared
public record LlamaWeights(
    float[] embedding, List<Layer> layers, float[] finalNorm, float[] output) {

  /** One decoder layer; biases are null where the model has none. */
  public record Layer(
      float[] attentionNorm,
      Linear query,
      Linear key,
      Linear value,
      Linear attentionOutput,
      float[] feedForwardNorm,
      Linear gate,
      Linear up,
      Linear down) {}

  /** A matrix {@code [out][in]} and its optional bias {@code [out]}. */
  public record Linear(int out, int in, float[] matrix, float @Nullable [] bias) {}

  /** Reads all weights and checks every shape. */
  public static LlamaWeights read(ModelConfig config, WeightFiles files) {
    int hidden = config.hiddenSize();
    float[] embedding = files.read("model.embed_tokens.weight", config.vocabularySize(), hidden);
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      layers.add(readLayer(config, files, "model.layers." + i + "."));
    }
    boolean tied = config.tiedOutput() || !files.contains("lm_head.weight");
    float[] output =
        tied ? embedding : files.read("lm_head.weight", config.vocabularySize(), hidden);
    return new LlamaWeights(
        embedding, List.copyOf(layers), files.read("model.norm.weight", hidden), output);
  }

  private static Layer readLayer(ModelConfig config, WeightFiles files, String prefix) {
    int hidden = config.hiddenSize();
    int inner = config.intermediateSize();
    String attention = prefix + "self_attn.";
    return new Layer(
        files.read(prefix + "input_layernorm.weight", hidden),
        linear(files, attention + "q_proj", config.querySize(), hidden),
        linear(files, attention + "k_proj", config.kvSize(), hidden),
        linear(files, attention + "v_proj", config.kvSize(), hidden),
        linear(files, attention + "o_proj", hidden, config.querySize()),
        files.read(prefix + "post_attention_layernorm.weight", hidden),
        linear(files, prefix + "mlp.gate_proj", inner, hidden),
        linear(files, prefix + "mlp.up_proj", inner, hidden),
        linear(files, prefix + "mlp.down_proj", hidden, inner));
  }

  private static Linear linear(WeightFiles files, String name, int out, int in) {
    float[] bias = files.contains(name + ".bias") ? files.read(name + ".bias", out) : null;
    return new Linear(out, in, files.read(name + ".weight", out, in), bias);
  }

  /** Normally distributed weights of a given shape, for tests and benchmarks. */
  public static LlamaWeights random(ModelConfig config, long seed) {
    Random random = new Random(seed);
    int hidden = config.hiddenSize();
    List<Layer> layers = new ArrayList<>();
    float[] embedding = noise(random, config.vocabularySize() * hidden, 1);
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new Layer(
              noise(random, hidden, 1),
              linear(random, config.querySize(), hidden),
              linear(random, config.kvSize(), hidden),
              linear(random, config.kvSize(), hidden),
              linear(random, hidden, config.querySize()),
              noise(random, hidden, 1),
              linear(random, config.intermediateSize(), hidden),
              linear(random, config.intermediateSize(), hidden),
              linear(random, hidden, config.intermediateSize())));
    }
    float[] norm = noise(random, hidden, 1);
    float[] output =
        config.tiedOutput() ? embedding : noise(random, config.vocabularySize() * hidden, 1);
    return new LlamaWeights(embedding, List.copyOf(layers), norm, output);
  }

  private static Linear linear(Random random, int out, int in) {
    return new Linear(out, in, noise(random, out * in, 1 / Math.sqrt(in)), null);
  }

  private static float[] noise(Random random, int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * deviation);
    }
    return values;
  }
}
