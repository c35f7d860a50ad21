package dev.s3llm.simulate;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a model costs in memory and arithmetic, in fp16.
 *
 * @param name for tables
 * @param parameters number of weights
 * @param kvBytesPerToken keys and values of one token over all layers
 */
public record ModelShape(String name, double parameters, long kvBytesPerToken) {
  private static final int BYTES_PER_WEIGHT = 2;

  private static final Map<String, ModelShape> PRESETS =
      Map.of(
          "gpt-j-6b", ofLayers("gpt-j-6b", 6.05e9, 28, 4096),
          "llama-13b", ofLayers("llama-13b", 13.0e9, 40, 5120),
          "llama-33b", ofLayers("llama-33b", 32.5e9, 60, 6656));

  /** Validates that the sizes are positive and finite. */
  public ModelShape {
    GpuProfile.requirePositive("parameters", parameters);
    if (kvBytesPerToken < 1) {
      throw new IllegalArgumentException(
          "kvBytesPerToken must be at least 1, but is " + kvBytesPerToken);
    }
  }

  /** A shape known by name: {@code gpt-j-6b}, {@code llama-13b} or {@code llama-33b}. */
  public static Optional<ModelShape> named(String name) {
    return Optional.ofNullable(PRESETS.get(name.toLowerCase(Locale.ROOT)));
  }

  /** The names that {@link #named} knows. */
  public static Set<String> names() {
    return PRESETS.keySet();
  }

  /** Bytes of the weights. */
  public double weightBytes() {
    return BYTES_PER_WEIGHT * parameters;
  }

  /** A model whose keys and values are as wide as its hidden state. */
  private static ModelShape ofLayers(String name, double parameters, int layers, int hidden) {
    return new ModelShape(name, parameters, 2L * BYTES_PER_WEIGHT * layers * hidden);
  }
}
