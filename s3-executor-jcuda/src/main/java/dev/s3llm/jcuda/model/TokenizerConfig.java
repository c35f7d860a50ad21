package dev.s3llm.jcuda.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a model folder says about text beside its tokenizer: {@code tokenizer_config.json} and
 * {@code chat_template.jinja}, where there are such files.
 *
 * @param bosToken text of the token that starts a sequence; empty if there is none
 * @param eosToken text of the token that ends one; empty if there is none
 * @param chatTemplate source of the Jinja template that frames a conversation, if there is one
 */
public record TokenizerConfig(String bosToken, String eosToken, Optional<String> chatTemplate) {
  private static final long MAX_TEMPLATE_BYTES = 1L << 20;
  private static final String DEFAULT_TEMPLATE = "default";

  /**
   * Reads a folder. The file {@code chat_template.jinja} goes before the field {@code
   * chat_template}; of several named templates, the one named {@code default} is taken.
   *
   * @throws ModelFormatException if a file is damaged or too large
   */
  public static TokenizerConfig read(Path folder) {
    Path file = folder.resolve("tokenizer_config.json");
    JsonNode json = Files.exists(file) ? JsonFile.read(file) : MissingNode.getInstance();
    Optional<String> ownFile = templateFile(folder.resolve("chat_template.jinja"));
    return new TokenizerConfig(
        token(json.path("bos_token")),
        token(json.path("eos_token")),
        ownFile.isPresent() ? ownFile : template(json.path("chat_template")));
  }

  private static Optional<String> templateFile(Path file) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      if (Files.size(file) > MAX_TEMPLATE_BYTES) {
        throw new ModelFormatException(
            "%s has %d bytes, the limit is %d"
                .formatted(file, Files.size(file), MAX_TEMPLATE_BYTES));
      }
      return Optional.of(Files.readString(file));
    } catch (IOException e) {
      throw new ModelFormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** A token is a string, or an object that holds it as its content. */
  private static String token(JsonNode node) {
    return node.isObject()
        ? node.path("content").asText("")
        : node.isTextual() ? node.asText() : "";
  }

  private static Optional<String> template(JsonNode node) {
    if (node.isTextual()) {
      return Optional.of(node.asText());
    }
    for (JsonNode named : node) {
      if (named.path("name").asText().equals(DEFAULT_TEMPLATE)) {
        return Optional.of(named.path("template").asText());
      }
    }
    return Optional.empty();
  }
}
