package dev.s3llm.model.family;

import dev.s3llm.model.RotaryEmbedding;

/**
 * Reads rotary embeddings with their scaling to longer contexts, in either layout: {@code
 * rope_parameters}, or {@code rope_theta} and {@code rope_scaling}. The formulas are those of
 * Hugging Face transformers, with each length-dependent one fixed for the context that is served.
 */
final class RopeReader {
  private final ConfigFields fields;
  private final int headSize;
  private final int modelTokens;
  private final int contextTokens;
  private final boolean partial;
  private double defaultTheta = 10_000;

  /**
   * Prepares to read.
   *
   * @param headSize width of a head
   * @param modelTokens positions that the model was made for
   * @param contextTokens positions to serve
   * @param partial whether the family knows {@code partial_rotary_factor}
   */
  RopeReader(
      ConfigFields fields, int headSize, int modelTokens, int contextTokens, boolean partial) {
    this.fields = fields;
    this.headSize = headSize;
    this.modelTokens = modelTokens;
    this.contextTokens = contextTokens;
    this.partial = partial;
  }

  /** Sets the base of the frequencies where the configuration has none. */
  RopeReader defaultTheta(double theta) {
    defaultTheta = theta;
    return this;
  }

  /** Reads the embedding of all layers. */
  RotaryEmbedding read() {
    ConfigFields parameters = fields.object("rope_parameters");
    ConfigFields scaling = fields.object("rope_scaling");
    return read(parameters.isEmpty() ? scaling : parameters, "rope_theta");
  }

  /**
   * Reads the embedding of one kind of layers (Gemma 3, whose two kinds have different bases).
   *
   * @param kind name of the kind in {@code rope_parameters}
   * @param thetaKey key of its base in the older layout
   * @param scaled whether {@code rope_scaling} of the older layout applies to it
   */
  RotaryEmbedding read(String kind, String thetaKey, boolean scaled) {
    ConfigFields parameters = fields.object("rope_parameters");
    if (parameters.has(kind)) {
      ConfigFields own = parameters.object(kind);
      return read(own, thetaKey);
    }
    ConfigFields scaling = fields.object("rope_scaling");
    return read(scaled ? scaling : parameters, thetaKey);
  }

  private RotaryEmbedding read(ConfigFields scaling, String thetaKey) {
    double theta = scaling.number("rope_theta", fields.number(thetaKey, defaultTheta));
    if (!(theta >= 1)) {
      throw fields.bad("rope_theta", String.valueOf(theta), "a number of at least 1");
    }
    RotaryEmbedding plain = RotaryEmbedding.of(dimensions(scaling), theta);
    RotaryEmbedding read = scaled(scaling, plain, theta);
    scaling.refuseUnread();
    return read;
  }

  private int dimensions(ConfigFields scaling) {
    if (!partial) {
      return headSize;
    }
    double factor =
        scaling.number("partial_rotary_factor", fields.number("partial_rotary_factor", 1));
    int dimensions = (int) (headSize * factor);
    if (dimensions < 2 || dimensions > headSize || dimensions % 2 != 0) {
      throw fields.bad(
          "partial_rotary_factor",
          String.valueOf(factor),
          "an even part of the head's " + headSize + " dimensions");
    }
    return dimensions;
  }

  private RotaryEmbedding scaled(ConfigFields scaling, RotaryEmbedding plain, double theta) {
    String type = scaling.text("rope_type", scaling.text("type", ""));
    if (type.isEmpty() && scaling.has("factor")) {
      throw scaling.bad("rope_type", "", "the kind of scaling, since there is a factor");
    }
    return switch (type) {
      case "", "default" -> plain;
      case "linear" -> slowed(plain, scaling.positive("factor", 0));
      case "llama3" -> likeLlama3(plain, scaling);
      case "dynamic" -> dynamic(plain, theta, scaling);
      case "yarn" -> yarn(plain, theta, scaling);
      case "longrope", "su" -> longrope(plain, scaling);
      case "factors" -> divided(plain, scaling.positives("factors", pairs(plain)), 1);
      default ->
          throw scaling.bad(
              "rope_type", type, "one of default, linear, llama3, dynamic, yarn, longrope");
    };
  }

  private static int pairs(RotaryEmbedding rope) {
    return rope.frequencies().length;
  }

  private static RotaryEmbedding slowed(RotaryEmbedding plain, double factor) {
    float[] slowed = plain.frequencies().clone();
    for (int i = 0; i < slowed.length; i++) {
      slowed[i] /= (float) factor;
    }
    return new RotaryEmbedding(slowed, false, 1);
  }

  private static RotaryEmbedding divided(RotaryEmbedding plain, double[] by, double magnitude) {
    float[] divided = plain.frequencies().clone();
    for (int i = 0; i < divided.length; i++) {
      divided[i] = (float) (divided[i] / by[i]);
    }
    return new RotaryEmbedding(divided, false, (float) magnitude);
  }

  /** Slows low frequencies, keeps high ones and blends those between (Llama 3.1). */
  private static RotaryEmbedding likeLlama3(RotaryEmbedding plain, ConfigFields scaling) {
    double factor = scaling.positive("factor", 0);
    double low = scaling.positive("low_freq_factor", 0);
    double high = scaling.positive("high_freq_factor", 0);
    double context = scaling.positive("original_max_position_embeddings", 0);
    float[] scaled = plain.frequencies().clone();
    for (int i = 0; i < scaled.length; i++) {
      double wavelength = 2 * Math.PI / scaled[i];
      double smooth = Math.min(1, Math.max(0, (context / wavelength - low) / (high - low)));
      scaled[i] = (float) ((1 - smooth) * scaled[i] / factor + smooth * scaled[i]);
    }
    return new RotaryEmbedding(scaled, false, 1);
  }

  /** Raises the base with the context, beyond the one that the model was made for. */
  private RotaryEmbedding dynamic(RotaryEmbedding plain, double theta, ConfigFields scaling) {
    double factor = scaling.positive("factor", 0);
    double original = scaling.positive("original_max_position_embeddings", modelTokens);
    double served = Math.max(contextTokens, original);
    int dimensions = plain.dimensions();
    double base =
        theta
            * Math.pow(factor * served / original - (factor - 1), dimensions / (dimensions - 2.0));
    return RotaryEmbedding.of(dimensions, base);
  }

  /** Blends slowed and plain frequencies by the turns they make in the context (Peng 2023). */
  private RotaryEmbedding yarn(RotaryEmbedding plain, double theta, ConfigFields scaling) {
    double original = scaling.positive("original_max_position_embeddings", modelTokens);
    double factor = scaling.positive("factor", modelTokens / original);
    double fast = scaling.positive("beta_fast", 32);
    double slow = scaling.positive("beta_slow", 1);
    boolean whole = scaling.flag("truncate", true);
    double low = turning(plain, theta, original, fast);
    double high = turning(plain, theta, original, slow);
    low = Math.max(whole ? Math.floor(low) : low, 0);
    high = Math.min(whole ? Math.ceil(high) : high, plain.dimensions() - 1);
    double width = low == high ? 0.001 : high - low;
    float[] blended = plain.frequencies().clone();
    for (int i = 0; i < blended.length; i++) {
      double slowedPart = Math.min(1, Math.max(0, (i - low) / width));
      blended[i] = (float) (blended[i] / factor * slowedPart + blended[i] * (1 - slowedPart));
    }
    return new RotaryEmbedding(blended, false, (float) yarnMagnitude(factor, scaling));
  }

  /** Returns the pair of dimensions that turns so often in the original context. */
  private static double turning(RotaryEmbedding rope, double theta, double context, double turns) {
    return rope.dimensions() * Math.log(context / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private static double yarnMagnitude(double factor, ConfigFields scaling) {
    double all = scaling.number("mscale_all_dim", 0);
    double one = scaling.number("mscale", 0);
    double magnitude = scaling.number("attention_factor", 0);
    if (magnitude != 0) {
      return magnitude;
    }
    return one != 0 && all != 0
        ? magnitude(factor, one) / magnitude(factor, all)
        : magnitude(factor, 1);
  }

  private static double magnitude(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }

  /** Divides each frequency by a factor of its own: one set for long contexts, one for short. */
  private RotaryEmbedding longrope(RotaryEmbedding plain, ConfigFields scaling) {
    double original =
        scaling.positive(
            "original_max_position_embeddings",
            fields.number("original_max_position_embeddings", modelTokens));
    double factor =
        fields.has("original_max_position_embeddings")
            ? modelTokens / original
            : scaling.positive("factor", modelTokens / original);
    scaling.node("factor");
    double magnitude =
        scaling.number(
            "attention_factor",
            factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
    double[] shorts = scaling.positives("short_factor", pairs(plain));
    double[] longs = scaling.positives("long_factor", pairs(plain));
    return divided(plain, contextTokens > original ? longs : shorts, magnitude);
  }
}
