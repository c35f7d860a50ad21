package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The texts of a model folder beside its tokenizer: {@code tokenizer_config.json} and {@code
 * chat_template.jinja}, if present.
 *
 * @param bosToken text of the token that starts a sequence; empty if there is none
 * @param eosToken text of the token that ends one; empty if there is none
 * @param chatTemplate source of the Jinja template that frames a conversation, if there is one
 */
public record TokenizerConfig(String bosToken, String eosToken, Optional<String> chatTemplate) {
  private static final int MAX_TEMPLATE = 1 << 20; // bytes of a file, characters of a field
  private static final int MAX_TOKEN_CHARS = 256;
  private static final String FILE = "tokenizer_config.json";
  private static final String DEFAULT_TEMPLATE = "default";

  /**
   * Reads a folder. The file {@code chat_template.jinja} has precedence over the field {@code
   * chat_template}; of several named templates, the one named {@code default} is used.
   *
   * @param folder a Hugging Face folder
   * @throws ModelFormatException if a file is damaged or too large
   */
  public static TokenizerConfig read(Path folder) {
    JsonNode json = json(folder);
    Optional<String> ownFile = templateFile(folder.resolve("chat_template.jinja"));
    return new TokenizerConfig(
        token(json, "bos_token"),
        token(json, "eos_token"),
        ownFile.isPresent() ? ownFile : template(json.path("chat_template")));
  }

  /**
   * Reads the {@link #eosToken} of a folder alone; its templates are not checked.
   *
   * @param folder a Hugging Face folder
   * @throws ModelFormatException if the file is damaged or too large
   */
  public static String readEosToken(Path folder) {
    return token(json(folder), "eos_token");
  }

  private static JsonNode json(Path folder) {
    Path file = folder.resolve(FILE);
    return Files.exists(file) ? JsonFile.read(file) : MissingNode.getInstance();
  }

  private static Optional<String> templateFile(Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      if (Files.size(file) > MAX_TEMPLATE) {
        throw new ModelFormatException(
            "%s has %d bytes, the limit is %d".formatted(file, Files.size(file), MAX_TEMPLATE));
      }
      return Optional.of(Files.readString(file));
    } catch (IOException e) {
      throw new ModelFormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Returns a token: the field is a string, or an object with the string as its content. */
  private static String token(JsonNode json, String field) {
    JsonNode node = json.path(field);
    JsonNode text = node.isObject() ? node.path("content") : node;
    return text.isTextual() ? limited(field, text.asText(), MAX_TOKEN_CHARS) : "";
  }

  private static Optional<String> template(JsonNode node) {
    if (node.isTextual()) {
      return Optional.of(limited("chat_template", node.asText(), MAX_TEMPLATE));
    }
    for (JsonNode named : node) {
      if (named.path("name").asText().equals(DEFAULT_TEMPLATE)) {
        return Optional.of(limited("chat_template", named.path("template").asText(), MAX_TEMPLATE));
      }
    }
    return Optional.empty();
  }

  private static String limited(String field, String text, int maxChars) {
    if (text.length() > maxChars) {
      throw new ModelFormatException(
          "%s: %s has %d characters, the limit is %d"
              .formatted(FILE, field, text.length(), maxChars));
    }
    return text;
  }
}
