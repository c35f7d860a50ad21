package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.StreamSupport;

/**
 * The shape of a decoder.
 *
 * @param family what kind of decoder it is
 * @param vocabularySize token ids are in {@code [0, vocabularySize)}
 * @param hiddenSize width of the residual stream
 * @param layers decoder layers
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headSize width of a head, even
 * @param intermediateSize width of the feed-forward layer
 * @param maxContextTokens positions the model was made for
 * @param normEpsilon added to the mean square, or the variance, in a norm
 * @param rope rotary embedding
 * @param tiedOutput whether the output matrix is the embedding
 * @param stopTokens token ids that end an answer, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // small, never compared
public record ModelConfig(
    ModelFamily family,
    int vocabularySize,
    int hiddenSize,
    int layers,
    int heads,
    int kvHeads,
    int headSize,
    int intermediateSize,
    int maxContextTokens,
    float normEpsilon,
    RotaryEmbedding rope,
    boolean tiedOutput,
    int[] stopTokens) {
  private static final Set<String> LLAMAS = Set.of("llama", "mistral", "qwen2");
  private static final String GPT_J = "gptj";
  private static final int MAX_DIMENSION = 1 << 24;
  private static final int MAX_HEAD_SIZE = 1 << 16;

  /** Validates that the parts fit each other. */
  public ModelConfig {
    if (heads % kvHeads != 0) {
      throw new ModelFormatException(
          "num_attention_heads %d is no multiple of num_key_value_heads %d"
              .formatted(heads, kvHeads));
    }
    if ((long) heads * headSize > MAX_DIMENSION) {
      throw new ModelFormatException(
          "num_attention_heads %d times head_dim %d exceeds %d"
              .formatted(heads, headSize, MAX_DIMENSION));
    }
    if (headSize % 2 != 0) {
      throw new ModelFormatException("head_dim must be even, but is " + headSize);
    }
    if (!(normEpsilon > 0 && normEpsilon < 1)) {
      throw new ModelFormatException(
          (family == ModelFamily.LLAMA ? "rms_norm_eps" : "layer_norm_epsilon")
              + " must be in (0, 1), but is "
              + normEpsilon);
    }
    if (rope.dimensions() > headSize) {
      throw new ModelFormatException(
          "rotary_dim %d exceeds the head's %d dimensions".formatted(rope.dimensions(), headSize));
    }
  }

  /** Width of all query heads together. */
  public int querySize() {
    return heads * headSize;
  }

  /** Width of all key heads together, which is that of all value heads. */
  public int kvSize() {
    return kvHeads * headSize;
  }

  /**
   * Reads {@code config.json} of a model folder, and stop tokens from {@code
   * generation_config.json} where there is one.
   *
   * @throws ModelFormatException naming the field, its value and what is expected
   */
  public static ModelConfig read(Path folder) {
    Path file = folder.resolve("config.json");
    JsonNode json = JsonFile.read(file);
    Fields fields = new Fields(file, json);
    String type = fields.text("model_type", "llama");
    if (type.equals(GPT_J)) {
      return readGptJ(folder, fields);
    }
    if (!LLAMAS.contains(type)) {
      throw fields.bad("model_type", type, "gptj or one of " + LLAMAS);
    }
    return readLlama(folder, fields);
  }

  private static ModelConfig readLlama(Path folder, Fields fields) {
    JsonNode json = fields.json;
    fields.require("hidden_act", "silu");
    refuseSlidingWindow(fields, json);
    int hidden = fields.dimension("hidden_size");
    int heads = fields.dimension("num_attention_heads");
    int headSize =
        boundedHead(fields, "head_dim", fields.dimension("head_dim", Math.max(1, hidden / heads)));
    return new ModelConfig(
        ModelFamily.LLAMA,
        fields.dimension("vocab_size"),
        hidden,
        fields.dimension("num_hidden_layers"),
        heads,
        fields.dimension("num_key_value_heads", heads),
        headSize,
        fields.dimension("intermediate_size"),
        fields.dimension("max_position_embeddings"),
        (float) fields.number("rms_norm_eps", 1e-6),
        RotaryEmbedding.read(fields, json, headSize),
        json.path("tie_word_embeddings").asBoolean(false),
        stopTokens(folder, fields));
  }

  private static ModelConfig readGptJ(Path folder, Fields fields) {
    JsonNode json = fields.json;
    fields.require("activation_function", "gelu_new");
    int hidden = fields.dimension("n_embd");
    int heads = fields.dimension("n_head");
    int headSize = boundedHead(fields, "n_embd / n_head", Math.max(1, hidden / heads));
    int turned = fields.dimension("rotary_dim", headSize);
    if (turned % 2 != 0 || turned > headSize) {
      throw fields.bad("rotary_dim", String.valueOf(turned), "even and at most " + headSize);
    }
    return new ModelConfig(
        ModelFamily.GPT_J,
        fields.dimension("vocab_size"),
        hidden,
        fields.dimension("n_layer"),
        heads,
        heads,
        headSize,
        fields.dimension("n_inner", 4 * hidden),
        fields.dimension("n_positions"),
        (float) fields.number("layer_norm_epsilon", 1e-5),
        RotaryEmbedding.interleaved(turned, 10_000),
        json.path("tie_word_embeddings").asBoolean(false),
        stopTokens(folder, fields));
  }

  private static void refuseSlidingWindow(Fields fields, JsonNode json) {
    JsonNode window = json.path("sliding_window");
    boolean used = json.path("use_sliding_window").asBoolean(true);
    int positions = json.path("max_position_embeddings").asInt(0);
    if (window.isNumber() && used && window.asInt() < positions) {
      throw fields.bad("sliding_window", window.asText(), "null");
    }
  }

  private static int[] stopTokens(Path folder, Fields fields) {
    Path generation = folder.resolve("generation_config.json");
    JsonNode stop = fields.json.path("eos_token_id");
    if (Files.exists(generation) && JsonFile.read(generation).hasNonNull("eos_token_id")) {
      stop = JsonFile.read(generation).path("eos_token_id");
    }
    if (stop.isMissingNode() || stop.isNull()) {
      return new int[0];
    }
    if (!stop.isArray()) {
      return new int[] {stopToken(fields, stop)};
    }
    return StreamSupport.stream(stop.spliterator(), false)
        .mapToInt(token -> stopToken(fields, token))
        .sorted()
        .toArray();
  }

  private static int stopToken(Fields fields, JsonNode token) {
    if (!token.isInt() || token.intValue() < 0) {
      throw fields.bad("eos_token_id", token.toString(), "token ids");
    }
    return token.intValue();
  }

  /** Before the rotary embedding is made, which takes memory for every dimension. */
  private static int boundedHead(Fields fields, String name, int size) {
    if (size > MAX_HEAD_SIZE) {
      throw fields.bad(name, String.valueOf(size), "at most " + MAX_HEAD_SIZE);
    }
    return size;
  }

  /** Checked access to the fields of a JSON file. */
  record Fields(Path file, JsonNode json) {

    String text(String name, String byDefault) {
      return json.path(name).asText(byDefault);
    }

    void require(String name, String value) {
      String actual = text(name, value);
      if (!actual.equals(value)) {
        throw bad(name, actual, value);
      }
    }

    int dimension(String name) {
      return dimension(name, 0);
    }

    int dimension(String name, int byDefault) {
      JsonNode node = json.path(name);
      if (byDefault > 0 && (node.isMissingNode() || node.isNull())) {
        return byDefault;
      }
      if (!node.isInt() || node.asInt() < 1 || node.asInt() > MAX_DIMENSION) {
        throw bad(name, node.toString(), "an integer from 1 to " + MAX_DIMENSION);
      }
      return node.asInt();
    }

    double number(String name, double byDefault) {
      JsonNode node = json.path(name);
      if (node.isMissingNode() || node.isNull()) {
        return byDefault;
      }
      if (!node.isNumber()) {
        throw bad(name, node.toString(), "a number");
      }
      return node.asDouble();
    }

    ModelFormatException bad(String name, String value, String expected) {
      return new ModelFormatException(
          "%s: %s is %s, but must be %s"
              .formatted(file, name, value.isEmpty() ? "missing" : value, expected));
    }
  }
}
