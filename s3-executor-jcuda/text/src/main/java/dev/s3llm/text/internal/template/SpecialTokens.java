package dev.s3llm.text.internal.template;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The special tokens of a {@code tokenizer_config.json}. */
public final class SpecialTokens {
  static final String FILE = "tokenizer_config.json";
  private static final String EOS = "eos_token";
  private static final int MAX_TOKEN_CHARS = 256;
  private static final List<String> NAMES =
      List.of("bos_token", EOS, "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
  private static final String MORE = "additional_special_tokens";
  private static final String NAMED = "extra_special_tokens";

  private SpecialTokens() {}

  /**
   * Reads the text of the token that ends a sequence.
   *
   * @param folder a Hugging Face folder
   * @return the text; empty if there is no file or no such token
   * @throws ModelFormatException if the file is damaged or too large
   */
  public static String readEosToken(Path folder) {
    return Optional.ofNullable(token(config(folder), EOS)).orElse("");
  }

  /** Returns the content of the file; a missing node if there is no file. */
  static JsonNode config(Path folder) {
    Path file = folder.resolve(FILE);
    return Files.exists(file) ? JsonFile.read(file) : MissingNode.getInstance();
  }

  /** Returns the tokens of the file's content by the names that templates use. */
  static Map<String, Object> of(JsonNode config) {
    Map<String, Object> tokens = new LinkedHashMap<>();
    for (String name : NAMES) {
      put(tokens, name, token(config, name));
    }
    List<String> more = new ArrayList<>();
    for (JsonNode node : config.path(MORE)) {
      String text = text(MORE, node);
      if (text != null) {
        more.add(text);
      }
    }
    put(tokens, MORE, more.isEmpty() ? null : more);
    JsonNode named = config.path(NAMED);
    named.fieldNames().forEachRemaining(name -> put(tokens, name, token(named, name)));
    return tokens;
  }

  private static void put(Map<String, Object> tokens, String name, @Nullable Object value) {
    if (value != null) {
      tokens.put(name, value);
    }
  }

  private static @Nullable String token(JsonNode json, String field) {
    return text(field, json.path(field));
  }

  /** Returns a token: the node is a string, or an object with the string as its content. */
  private static @Nullable String text(String field, JsonNode node) {
    JsonNode text = node.isObject() ? node.path("content") : node;
    if (!text.isTextual()) {
      return null;
    }
    if (text.asText().length() > MAX_TOKEN_CHARS) {
      throw new ModelFormatException(
          "%s: %s has %d characters, the limit is %d"
              .formatted(FILE, field, text.asText().length(), MAX_TOKEN_CHARS));
    }
    return text.asText();
  }
}
