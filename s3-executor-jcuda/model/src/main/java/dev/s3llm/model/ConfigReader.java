package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.Vocabulary;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.StreamSupport;

/** Reads {@code config.json} of Hugging Face model folders, one method for each family. */
final class ConfigReader {
  private static final Set<String> LLAMAS = Set.of("llama", "mistral", "qwen2");
  private static final String GPT_J = "gptj";

  /** The rotary embedding takes memory for every dimension of a head. */
  private static final int MAX_HEAD_SIZE = 1 << 16;

  private final Path folder;
  private final ConfigFields fields;
  private final JsonNode json;

  private ConfigReader(Path folder, ConfigFields fields) {
    this.folder = folder;
    this.fields = fields;
    this.json = fields.json();
  }

  static ModelConfig read(Path folder) {
    Path file = folder.resolve("config.json");
    ConfigFields fields = new ConfigFields(file, JsonFile.read(file));
    String type = fields.text("model_type", "llama");
    if (!type.equals(GPT_J) && !LLAMAS.contains(type)) {
      throw fields.bad("model_type", type, "gptj or one of " + LLAMAS);
    }
    ConfigReader reader = new ConfigReader(folder, fields);
    return type.equals(GPT_J) ? reader.gptJ() : reader.llama();
  }

  private ModelConfig llama() {
    fields.require("hidden_act", "silu");
    refuseSlidingWindow();
    int hidden = fields.dimension("hidden_size");
    int heads = fields.dimension("num_attention_heads");
    int headSize =
        boundedHead("head_dim", fields.dimension("head_dim", Math.max(1, hidden / heads)));
    RotaryEmbedding rope = RotaryEmbedding.read(fields, json, headSize);
    return new ModelConfig(
        ModelFamily.LLAMA,
        vocabulary(),
        new Attention(heads, fields.dimension("num_key_value_heads", heads), headSize, rope),
        fields.dimension("num_hidden_layers"),
        hidden,
        fields.dimension("intermediate_size"),
        (float) fields.number("rms_norm_eps", 1e-6),
        fields.dimension("max_position_embeddings"));
  }

  private ModelConfig gptJ() {
    fields.require("activation_function", "gelu_new");
    int hidden = fields.dimension("n_embd");
    int heads = fields.dimension("n_head");
    int headSize = boundedHead("n_embd / n_head", Math.max(1, hidden / heads));
    int turned = fields.dimension("rotary_dim", headSize);
    if (turned % 2 != 0 || turned > headSize) {
      throw fields.bad("rotary_dim", String.valueOf(turned), "even and at most " + headSize);
    }
    return new ModelConfig(
        ModelFamily.GPT_J,
        vocabulary(),
        new Attention(heads, heads, headSize, RotaryEmbedding.interleaved(turned, 10_000)),
        fields.dimension("n_layer"),
        hidden,
        fields.dimension("n_inner", 4 * hidden),
        (float) fields.number("layer_norm_epsilon", 1e-5),
        fields.dimension("n_positions"));
  }

  private int boundedHead(String name, int size) {
    if (size > MAX_HEAD_SIZE) {
      throw fields.bad(name, String.valueOf(size), "at most " + MAX_HEAD_SIZE);
    }
    return size;
  }

  private Vocabulary vocabulary() {
    boolean tied = json.path("tie_word_embeddings").asBoolean(false);
    return new Vocabulary(fields.dimension("vocab_size"), tied, stopTokens());
  }

  private void refuseSlidingWindow() {
    JsonNode window = json.path("sliding_window");
    boolean used = json.path("use_sliding_window").asBoolean(true);
    int positions = json.path("max_position_embeddings").asInt(0);
    if (window.isNumber() && used && window.asInt() < positions) {
      throw fields.bad("sliding_window", window.asText(), "null");
    }
  }

  private int[] stopTokens() {
    Path generation = folder.resolve("generation_config.json");
    JsonNode stop = json.path("eos_token_id");
    if (Files.exists(generation)) {
      JsonNode own = JsonFile.read(generation).path("eos_token_id");
      stop = own.isMissingNode() || own.isNull() ? stop : own;
    }
    if (stop.isMissingNode() || stop.isNull()) {
      return new int[0];
    }
    if (!stop.isArray()) {
      return new int[] {stopToken(stop)};
    }
    return StreamSupport.stream(stop.spliterator(), false)
        .mapToInt(this::stopToken)
        .sorted()
        .toArray();
  }

  private int stopToken(JsonNode token) {
    if (!token.isInt() || token.intValue() < 0) {
      throw fields.bad("eos_token_id", token.toString(), "token ids");
    }
    return token.intValue();
  }
}
