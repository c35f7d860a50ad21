package dev.s3llm.model.quant;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.quant.PackedColumns.Packing;
import dev.s3llm.model.quant.ScaledElements.InputRule;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Reads {@code quantization_config} of a {@code config.json}; one method for each way. */
final class QuantConfig {
  private static final String MXFP4 = "mxfp4";
  private static final String METHODS =
      "awq, bitsandbytes, compressed-tensors, fbgemm_fp8, fp8, gptq, mxfp4";
  private static final Set<String> FP8 = Set.of("F8_E4M3", "F8_E5M2");
  private static final Set<String> INT8 = Set.of("I8");

  /** The factor of bitsandbytes' integers. */
  private static final float INT8_STEP = 1f / 127;

  /** The scale of a module's input that was measured when the model was quantised. */
  private static final String INPUT_SCALE = ".input_scale";

  private final String source;
  private final JsonNode json;

  private QuantConfig(String source, JsonNode json) {
    this.source = source;
    this.json = json;
  }

  /**
   * Returns how matrices of a folder are quantised.
   *
   * @param source the file, for messages
   * @param json the {@code quantization_config}
   * @return the ways; none for MXFP4, whose tensors {@link Mxfp4Experts} reads
   * @throws ModelFormatException naming what is not supported, and what is
   */
  static List<Scheme> read(String source, JsonNode json) {
    QuantConfig config = new QuantConfig(source, json);
    return switch (config.method()) {
      case "fp8", "fbgemm_fp8" -> List.of(config.fp8());
      case "gptq" -> List.of(config.gptq());
      case "awq" -> List.of(config.awq());
      case "bitsandbytes" -> List.of(config.bitsAndBytes());
      case "compressed-tensors" -> List.of(config.compressed());
      case MXFP4 -> List.of();
      default -> throw config.bad("quant_method", config.method(), METHODS);
    };
  }

  private String method() {
    String method = json.path("quant_method").asText("");
    return method.isEmpty() && json.has("load_in_4bit") ? "bitsandbytes" : method;
  }

  private Scheme fp8() {
    JsonNode block = json.path("weight_block_size");
    boolean blocks = block.isArray() && block.size() == 2;
    int rows = blocks ? positive("weight_block_size", block.get(0)) : 0;
    int columns = blocks ? positive("weight_block_size", block.get(1)) : 0;
    List<String> names = List.of(".weight_scale_inv", ".weight_scale");
    return new ScaledElements(FP8, names, rows, columns, 1, fp8Inputs(columns));
  }

  /** Groups of columns as weights have blocks; other blocks than of 128 columns are not rounded. */
  private InputRule fp8Inputs(int blockColumns) {
    if (json.path("activation_scheme").asText("dynamic").equals("static")) {
      return QuantConfig::givenScale;
    }
    if (blockColumns > 0) {
      return blockColumns == RoundedInput.GROUP_COLUMNS
          ? always(RoundedInput.GROUP)
          : InputRule.NONE;
    }
    JsonNode most = json.path("activation_scale_ub");
    return always(
        most.isNumber()
            ? new RoundedInput(RoundedInput.Scaling.ROW, positiveReal("activation_scale_ub", most))
            : RoundedInput.ROW);
  }

  private static InputRule always(RoundedInput input) {
    return parts -> Optional.of(input);
  }

  /** The scale of a module's input, if it has one. */
  private static Optional<RoundedInput> givenScale(Parts parts) {
    if (!parts.has(INPUT_SCALE)) {
      return Optional.empty();
    }
    Numbers scale = parts.numbers(INPUT_SCALE).sized(1);
    float value = scale.real(0);
    if (!(value > 0) || Float.isInfinite(value)) {
      throw scale.bad("is %s, but must be positive and finite".formatted(value));
    }
    return Optional.of(RoundedInput.fixed(value));
  }

  private Scheme gptq() {
    int bits = oneOf("bits", 4, 8);
    String format = json.path("checkpoint_format").asText(json.path("format").asText("gptq"));
    String layout = format.toLowerCase(Locale.ROOT);
    if (!layout.equals("gptq") && !layout.equals("gptq_v2")) {
      throw bad("checkpoint_format", format, "gptq, gptq_v2");
    }
    require("is_marlin_format", "false");
    require("pack_dtype", "int32");
    for (String pattern : names(json.path("dynamic"))) {
      if (!pattern.startsWith("-:")) {
        throw bad("dynamic", pattern, "only patterns of modules that are left out (-:)");
      }
    }
    int zeroOffset = layout.equals("gptq") ? 1 : 0;
    return new PackedColumns(new Packing(bits, false), groupSize("group_size"), zeroOffset);
  }

  private Scheme awq() {
    oneOf(json.has("w_bit") ? "w_bit" : "bits", 4);
    String version = json.path("version").asText(json.path("format").asText("gemm"));
    if (!version.toLowerCase(Locale.ROOT).equals("gemm")) {
      throw bad("version", version, "gemm");
    }
    require("zero_point", "true");
    String key = json.has("q_group_size") ? "q_group_size" : "group_size";
    return new PackedColumns(new Packing(4, true), groupSize(key), 0);
  }

  private Scheme bitsAndBytes() {
    if (json.path("load_in_8bit").asBoolean(false)) {
      return new ScaledElements(INT8, List.of(".SCB"), 0, 0, INT8_STEP, InputRule.NONE);
    }
    require("load_in_4bit", "true");
    require("bnb_4bit_quant_storage", "uint8");
    String kind = json.path("bnb_4bit_quant_type").asText("fp4");
    if (!kind.equals("nf4") && !kind.equals("fp4")) {
      throw bad("bnb_4bit_quant_type", kind, "fp4, nf4");
    }
    return new FourBitBlocks(kind);
  }

  private Scheme compressed() {
    if (!json.path("transform_config").isEmpty()) {
      throw bad("transform_config", "given", "none, since transforms change the arithmetic");
    }
    String sparsity = json.path("sparsity_config").path("format").asText("dense");
    if (!sparsity.equals("dense")) {
      throw bad("sparsity_config.format", sparsity, "dense");
    }
    Set<String> ways = new TreeSet<>();
    Set<JsonNode> inputs = new HashSet<>();
    JsonNode only = json;
    for (JsonNode group : json.path("config_groups")) {
      ways.add(group.path("format").asText("") + group.path("weights"));
      inputs.add(group.path("input_activations"));
      only = group;
    }
    if (ways.size() != 1) {
      throw bad("config_groups", ways.size() + " ways", "one way for the weights of all groups");
    }
    String format = only.path("format").asText(json.path("format").asText(""));
    InputRule rule =
        inputs.size() == 1 ? compressedInputs(only.path("input_activations")) : InputRule.NONE;
    return compressed(format, only.path("weights"), rule);
  }

  /**
   * One scale for a whole batch that is made in each step would let rows depend on one another, so
   * that each row has its own there, too.
   */
  private static InputRule compressedInputs(JsonNode inputs) {
    if (!inputs.path("type").asText("").equals("float") || inputs.path("num_bits").asInt() != 8) {
      return InputRule.NONE;
    }
    boolean made = !inputs.path("dynamic").asText("false").equals("false");
    return switch (inputs.path("strategy").asText("")) {
      case "tensor" -> made ? always(RoundedInput.ROW) : QuantConfig::givenScale;
      case "token" -> made ? always(RoundedInput.ROW) : InputRule.NONE;
      case "group" ->
          made && inputs.path("group_size").asInt() == RoundedInput.GROUP_COLUMNS
              ? always(RoundedInput.GROUP)
              : InputRule.NONE;
      default -> InputRule.NONE;
    };
  }

  private Scheme compressed(String format, JsonNode weights, InputRule inputs) {
    String type = weights.path("type").asText("int");
    int bits = weights.path("num_bits").asInt(8);
    String strategy = weights.path("strategy").asText("");
    JsonNode size = weights.path("group_size");
    int rows = 1;
    int columns = 0;
    switch (strategy) {
      case "tensor", "channel" -> {}
      case "group" -> columns = positive("config_groups.weights.group_size", size);
      case "block" -> {
        rows = positive("block_structure", weights.path("block_structure").path(0));
        columns = positive("block_structure", weights.path("block_structure").path(1));
      }
      default ->
          throw bad("config_groups.weights.strategy", strategy, "block, channel, group, tensor");
    }
    List<String> scale = List.of(".weight_scale");
    return switch (format) {
      case "pack-quantized" -> {
        if (!type.equals("int") || (bits != 4 && bits != 8) || strategy.equals("block")) {
          throw bad("config_groups.weights", weights.toString(), "int of 4 or 8 bits in groups");
        }
        yield new PackedRows(bits, columns);
      }
      case "int-quantized", "float-quantized", "naive-quantized" -> {
        if (bits != 8) {
          throw bad("config_groups.weights.num_bits", String.valueOf(bits), "8");
        }
        yield new ScaledElements(type.equals("int") ? INT8 : FP8, scale, rows, columns, 1, inputs);
      }
      default ->
          throw bad(
              "format", format, "float-quantized, int-quantized, naive-quantized, pack-quantized");
    };
  }

  private static List<String> names(JsonNode object) {
    return object.properties().stream().map(field -> field.getKey()).toList();
  }

  private int oneOf(String key, int... supported) {
    int value = json.path(key).asInt(0);
    List<String> texts = new ArrayList<>();
    for (int each : supported) {
      if (value == each) {
        return value;
      }
      texts.add(String.valueOf(each));
    }
    throw bad(key, json.path(key).toString(), String.join(", ", texts));
  }

  /** Returns the size of a group; 0 for one group, which files write as -1. */
  private int groupSize(String key) {
    JsonNode size = json.path(key);
    return size.asInt(0) == -1 ? 0 : positive(key, size);
  }

  private int positive(String key, JsonNode node) {
    if (!node.isInt() || node.asInt() < 1) {
      throw bad(key, node.toString(), "positive integers");
    }
    return node.asInt();
  }

  private float positiveReal(String key, JsonNode node) {
    if (!(node.asDouble() > 0) || !Float.isFinite((float) node.asDouble())) {
      throw bad(key, node.toString(), "positive numbers");
    }
    return (float) node.asDouble();
  }

  /** Refuses a key that is there, is not null, and has another value. */
  private void require(String key, String value) {
    if (json.hasNonNull(key) && !json.path(key).asText().equals(value)) {
      throw bad(key, json.path(key).asText(), value);
    }
  }

  private ModelFormatException bad(String key, String value, String supported) {
    return new ModelFormatException(
        "%s: quantization_config.%s is %s, which is not supported; supported: %s"
            .formatted(source, key, value.isEmpty() ? "missing" : value, supported));
  }
}
