package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.Layer;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Norms;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scales;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.ModelConfig.Vocabulary;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Shapes of well-known models, for benchmarks with {@link RandomTensors}. */
public final class ModelShapes {
  private static final int CONTEXT = 2048;
  private static final Map<String, ModelConfig> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("gpt-j-6b", gptJ(28, 4096, 16));
    SHAPES.put("llama-1b", llama(16, 2048, 32, 8192));
    SHAPES.put("llama-13b", llama(40, 5120, 40, 13824));
    SHAPES.put("llama-33b", llama(60, 6656, 52, 17920));
  }

  private ModelShapes() {}

  /** Returns the known names. */
  public static Set<String> names() {
    return SHAPES.keySet();
  }

  /**
   * Returns the shape of a model.
   *
   * @param name one of {@link #names}
   * @throws IllegalArgumentException if the name is unknown; the message lists the known ones
   */
  public static ModelConfig of(String name) {
    ModelConfig config = SHAPES.get(name);
    if (config == null) {
      throw new IllegalArgumentException(
          "there is no shape " + name + ", but " + String.join(", ", SHAPES.keySet()));
    }
    return config;
  }

  private static ModelConfig llama(int layers, int hidden, int heads, int inner) {
    int size = hidden / heads;
    FeedForward part = new FeedForward(Activation.SILU, true, inner, false, null);
    return new ModelConfig(
        "llama",
        new Vocabulary(32_000, false, false),
        hidden,
        CONTEXT,
        new Norms(NormKind.RMS, NormPlacement.BEFORE, 1e-5f),
        attention(heads, size),
        Scales.NONE,
        Collections.nCopies(layers, new Layer(RotaryEmbedding.of(size, 10_000), 0, part)));
  }

  private static ModelConfig gptJ(int layers, int hidden, int heads) {
    FeedForward part = new FeedForward(Activation.GELU_TANH, false, 4 * hidden, true, null);
    return new ModelConfig(
        "gptj",
        new Vocabulary(50_400, false, true),
        hidden,
        CONTEXT,
        new Norms(NormKind.LAYER, NormPlacement.SHARED, 1e-5f),
        attention(heads, hidden / heads),
        Scales.NONE,
        Collections.nCopies(layers, new Layer(RotaryEmbedding.interleaved(64, 10_000), 0, part)));
  }

  private static Attention attention(int heads, int size) {
    Scores scores = new Scores((float) (1 / Math.sqrt(size)), 0, false);
    return new Attention(heads, heads, size, scores, QueryKeyNorm.NONE, false, false);
  }
}
