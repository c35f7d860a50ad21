package dev.s3llm.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.family.DecoderReader.ModelFacts;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Reads configurations: finds the family, and the text model inside a larger one. */
public final class Families {
  /** Architectures with a head that generates text. */
  private static final Pattern GENERATES_TEXT =
      Pattern.compile(".*(ForCausalLM|ForConditionalGeneration|LMHeadModel)");

  private Families() {}

  /**
   * Reads the configuration of a folder.
   *
   * @param model a Hugging Face folder
   * @param config content of its {@code config.json}
   * @param contextTokens positions to serve; 0 for those that the model was made for
   * @throws ModelFormatException naming the field, its value and the expected value
   */
  public static ModelConfig readFolder(Path model, JsonNode config, int contextTokens) {
    Path generation = model.resolve("generation_config.json");
    JsonNode own =
        Files.exists(generation)
            ? JsonFile.read(generation).path("eos_token_id")
            : MissingNode.getInstance();
    return read(model.resolve("config.json").toString(), config, own, contextTokens);
  }

  /**
   * Reads a configuration.
   *
   * @param source the file, for messages
   * @param config content of a {@code config.json}
   * @param generationStop {@code eos_token_id} of {@code generation_config.json}; a missing node or
   *     null if there is none
   * @param contextTokens positions to serve; 0 for those that the model was made for
   * @throws ModelFormatException naming the field, its value and the expected value
   */
  public static ModelConfig read(
      String source, JsonNode config, JsonNode generationStop, int contextTokens) {
    boolean larger = isLarger(config);
    ConfigFields fields = ConfigFields.of(source, larger ? textModel(config) : config);
    Family family = larger ? familyOfPart(fields, config) : family(fields);
    JsonNode stop = generationStop;
    if (stop.isMissingNode() || stop.isNull()) {
      stop = fields.node("eos_token_id");
    }
    try {
      return family.read(new ModelFacts(family.modelType(), fields, stop, contextTokens));
    } catch (ModelFormatException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(source) ? e : new ModelFormatException(source + ": " + message, e);
    }
  }

  /** Returns whether a configuration is that of a model which reads more than text. */
  private static boolean isLarger(JsonNode config) {
    return config.path("text_config").isObject()
        && Family.of(config.path("model_type").asText()).isEmpty();
  }

  /** Returns the part of a configuration that describes the text model. */
  private static JsonNode textModel(JsonNode config) {
    ObjectNode merged = ((ObjectNode) config.path("text_config")).deepCopy();
    for (String shared : new String[] {"tie_word_embeddings", "eos_token_id"}) {
      if (!merged.hasNonNull(shared) && config.hasNonNull(shared)) {
        merged.set(shared, config.get(shared));
      }
    }
    return merged;
  }

  private static Family family(ConfigFields fields) {
    String type = fields.text("model_type", "");
    Family family = Family.of(type).orElseThrow(() -> unknown(fields, type));
    JsonNode architectures = fields.node("architectures");
    if (!architectures.isMissingNode() && !architectures.isEmpty()) {
      String name = architectures.path(0).asText();
      if (architectures.size() != 1 || !family.isArchitecture(name)) {
        throw fields.bad("architectures", architectures.toString(), family.architecture());
      }
    }
    return family;
  }

  /** Returns the refusal of a family that is not in the table. */
  private static ModelFormatException unknown(ConfigFields fields, String type) {
    String name = fields.node("architectures").path(0).asText();
    boolean generates = name.isEmpty() || GENERATES_TEXT.matcher(name).matches();
    String hint = generates ? "" : "; " + name + " generates no text";
    return fields.bad("model_type", type, "one of " + Family.modelTypes() + hint);
  }

  /** Accepts models that read images beside text, whose text model runs alone. */
  private static Family familyOfPart(ConfigFields fields, JsonNode whole) {
    String type = whole.path("model_type").asText();
    if (!type.equals("gemma3") && !type.equals("mistral3")) {
      throw fields.bad(
          "model_type", type, "one of " + Family.modelTypes() + ", gemma3 or mistral3");
    }
    fields.node("architectures");
    String part = fields.text("model_type", "");
    return Family.of(part)
        .orElseThrow(
            () -> fields.bad("text_config.model_type", part, "one of " + Family.modelTypes()));
  }
}
