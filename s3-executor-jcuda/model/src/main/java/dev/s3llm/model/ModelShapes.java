package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.Vocabulary;
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
    return new ModelConfig(
        ModelFamily.LLAMA,
        new Vocabulary(32_000, false),
        new Attention(heads, heads, size, RotaryEmbedding.of(size, 10_000)),
        layers,
        hidden,
        inner,
        1e-5f,
        CONTEXT);
  }

  private static ModelConfig gptJ(int layers, int hidden, int heads) {
    return new ModelConfig(
        ModelFamily.GPT_J,
        new Vocabulary(50_400, false),
        new Attention(heads, heads, hidden / heads, RotaryEmbedding.interleaved(64, 10_000)),
        layers,
        hidden,
        4 * hidden,
        1e-5f,
        CONTEXT);
  }
}
