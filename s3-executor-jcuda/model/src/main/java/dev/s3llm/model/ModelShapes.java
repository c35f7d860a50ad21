package dev.s3llm.model;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Shapes of well-known models, to run with {@link RandomTensors} in benchmarks. */
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

  /** The names there are. */
  public static Set<String> names() {
    return SHAPES.keySet();
  }

  /**
   * The shape of a name.
   *
   * @throws IllegalArgumentException if there is none, naming those there are
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
        32_000,
        hidden,
        layers,
        heads,
        heads,
        size,
        inner,
        CONTEXT,
        1e-5f,
        RotaryEmbedding.of(size, 10_000),
        false,
        new int[0]);
  }

  private static ModelConfig gptJ(int layers, int hidden, int heads) {
    return new ModelConfig(
        ModelFamily.GPT_J,
        50_400,
        hidden,
        layers,
        heads,
        heads,
        hidden / heads,
        4 * hidden,
        CONTEXT,
        1e-5f,
        RotaryEmbedding.interleaved(64, 10_000),
        false,
        new int[0]);
  }
}
