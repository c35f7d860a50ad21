package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Rotary position embedding (RoFormer, section 3.2): pairs of a head's first {@link #dimensions}
 * are rotated by an angle in proportion to the position; the others stay.
 *
 * @param frequencies angle in radians per position, for each pair of dimensions
 * @param interleaved whether dimension {@code 2i} is paired with {@code 2i + 1} (GPT-J), or {@code
 *     i} with {@code i + dimensions / 2} (Llama)
 */
@SuppressWarnings("ArrayRecordComponent") // small, never compared
public record RotaryEmbedding(float[] frequencies, boolean interleaved) {

  /**
   * Creates the embedding of Llama: half-split, frequencies {@code theta^(-2i / dimensions)}.
   *
   * @param dimensions number of rotated dimensions of a head; even
   * @param theta base of the frequencies, at least 1
   */
  public static RotaryEmbedding of(int dimensions, double theta) {
    return new RotaryEmbedding(frequencies(dimensions, theta), false);
  }

  /**
   * Creates the embedding of GPT-J: interleaved, frequencies {@code theta^(-2i / dimensions)}.
   *
   * @param dimensions number of rotated dimensions of a head; even
   * @param theta base of the frequencies, at least 1
   */
  public static RotaryEmbedding interleaved(int dimensions, double theta) {
    return new RotaryEmbedding(frequencies(dimensions, theta), true);
  }

  private static float[] frequencies(int dimensions, double theta) {
    float[] frequencies = new float[dimensions / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) (1 / Math.pow(theta, 2.0 * i / dimensions));
    }
    return frequencies;
  }

  /** Returns the number of rotated dimensions of a head. */
  public int dimensions() {
    return 2 * frequencies.length;
  }

  /** Reads either layout of a configuration: {@code rope_parameters} or {@code rope_scaling}. */
  static RotaryEmbedding read(ConfigFields fields, JsonNode json, int headSize) {
    JsonNode scaling = json.path("rope_parameters");
    if (!scaling.isObject()) {
      scaling = json.path("rope_scaling");
    }
    double theta = scaling.path("rope_theta").asDouble(fields.number("rope_theta", 10_000));
    if (!(theta >= 1 && theta < Double.POSITIVE_INFINITY)) {
      throw fields.bad("rope_theta", String.valueOf(theta), "a number of at least 1");
    }
    RotaryEmbedding plain = of(headSize, theta);
    String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    return switch (type) {
      case "default" -> plain;
      case "linear" -> plain.slowedBy(positive(fields, scaling, "factor"));
      case "llama3" -> plain.scaledLikeLlama3(fields, scaling);
      default -> throw fields.bad("rope_type", type, "default, linear or llama3");
    };
  }

  private RotaryEmbedding slowedBy(double factor) {
    float[] slowed = frequencies.clone();
    for (int i = 0; i < slowed.length; i++) {
      slowed[i] /= (float) factor;
    }
    return new RotaryEmbedding(slowed, interleaved);
  }

  /** Slows low frequencies, keeps high ones and blends those between (Llama 3.1). */
  private RotaryEmbedding scaledLikeLlama3(ConfigFields fields, JsonNode scaling) {
    double factor = positive(fields, scaling, "factor");
    double low = positive(fields, scaling, "low_freq_factor");
    double high = positive(fields, scaling, "high_freq_factor");
    double context = positive(fields, scaling, "original_max_position_embeddings");
    float[] scaled = frequencies.clone();
    for (int i = 0; i < scaled.length; i++) {
      double wavelength = 2 * Math.PI / scaled[i];
      double smooth = Math.min(1, Math.max(0, (context / wavelength - low) / (high - low)));
      scaled[i] = (float) ((1 - smooth) * scaled[i] / factor + smooth * scaled[i]);
    }
    return new RotaryEmbedding(scaled, interleaved);
  }

  private static double positive(ConfigFields fields, JsonNode scaling, String name) {
    double value = scaling.path(name).asDouble(0);
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw fields.bad("rope " + name, scaling.path(name).toString(), "a positive number");
    }
    return value;
  }
}
