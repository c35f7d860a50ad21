package dev.s3llm.examples.cli.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.StoredWeights;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Names the number format of a model's weights. */
final class WeightFormat {
  private WeightFormat() {}

  /**
   * Returns the format: that of {@code quantization_config}, or else the type of most of the
   * weights, or else the type that the configuration names.
   *
   * @param config content of a {@code config.json}; a missing node if there is none
   * @param weights headers of the weights; null if they are not there
   */
  static @Nullable String of(JsonNode config, @Nullable StoredWeights weights) {
    JsonNode quantized = config.path("quantization_config");
    if (quantized.isObject() && quantized.path("quant_method").isTextual()) {
      return quantized(quantized);
    }
    if (weights != null && !weights.mainType().isEmpty()) {
      return plain(weights.mainType());
    }
    String dtype = config.path("torch_dtype").asText(config.path("dtype").asText(""));
    return dtype.isEmpty() ? null : plain(dtype);
  }

  private static String quantized(JsonNode config) {
    String method = config.path("quant_method").asText();
    return switch (method) {
      case "gptq", "awq" -> method + "-" + config.path("bits").asText("4") + "bit";
      case "bitsandbytes" ->
          config.path("load_in_8bit").asBoolean()
              ? "bitsandbytes-int8"
              : "bitsandbytes-" + config.path("bnb_4bit_quant_type").asText("fp4");
      case "compressed-tensors" -> method + "-" + config.path("format").asText("unknown");
      default -> method;
    };
  }

  private static String plain(String type) {
    return switch (type) {
      case "F32", "float32" -> "fp32";
      case "F16", "float16" -> "fp16";
      case "BF16", "bfloat16" -> "bf16";
      default -> type.toLowerCase(Locale.ROOT);
    };
  }
}
