package dev.s3llm.examples.server.openai;

import dev.s3llm.execute.SamplingParameters;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the fields that say how tokens are drawn. */
final class SamplingFields {
  private static final double MAX_TEMPERATURE = 2;
  private static final double MAX_PENALTY = 2;
  private static final double MAX_BIAS = 100;
  private static final double LEAST_TOP_P = 1e-6;

  private SamplingFields() {}

  /**
   * Reads the sampling parameters. {@code min_p}, {@code top_k} and {@code repetition_penalty} are
   * extensions that other servers have too.
   *
   * @throws ApiException if a field is wrong
   */
  static SamplingParameters read(JsonFields fields) {
    double temperature = fields.number("temperature", 1, 0, MAX_TEMPERATURE);
    double topP = fields.number("top_p", 1, 0, 1);
    boolean greedy = topP < LEAST_TOP_P; // no token but the likeliest is left
    @Nullable Long seed = fields.integer("seed");
    return new SamplingParameters(
        greedy ? 0 : temperature,
        Math.max(0, fields.count("top_k", -1, Integer.MAX_VALUE).orElse(0)),
        greedy ? 1 : topP,
        fields.number("min_p", 0, 0, 1),
        fields.number("repetition_penalty", 1, 0.01, 100),
        fields.number("presence_penalty", 0, -MAX_PENALTY, MAX_PENALTY),
        fields.number("frequency_penalty", 0, -MAX_PENALTY, MAX_PENALTY),
        biases(fields),
        seed == null ? ThreadLocalRandom.current().nextLong() : seed);
  }

  private static Map<Integer, Double> biases(JsonFields fields) {
    JsonFields all = fields.object("logit_bias");
    if (all.json().size() > SamplingParameters.MOST_BIASES) {
      throw ApiException.badField(
          "logit_bias",
          "Invalid 'logit_bias': too many tokens. Expected at most %d, but got %d instead."
              .formatted(SamplingParameters.MOST_BIASES, all.json().size()));
    }
    Map<Integer, Double> biases = new TreeMap<>();
    for (Map.Entry<String, JsonNode> bias : all.json().properties()) {
      biases.put(
          token(bias.getKey()),
          Numbers.decimal("logit_bias", bias.getValue(), -MAX_BIAS, MAX_BIAS));
    }
    return biases;
  }

  private static int token(String id) {
    if (id.matches("\\d{1,9}")) {
      return Integer.parseInt(id);
    }
    throw ApiException.badField(
        "logit_bias", "Invalid key in 'logit_bias': '%s'. Keys must be token ids.".formatted(id));
  }
}
