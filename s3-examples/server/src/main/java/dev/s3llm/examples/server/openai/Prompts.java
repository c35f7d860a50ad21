package dev.s3llm.examples.server.openai;

import dev.s3llm.S3Engine;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the field {@code prompt}: one prompt or several, as texts or as token ids. */
final class Prompts {
  private static final String NAME = "prompt";
  private static final String FORMS =
      "a string, an array of strings, an array of token ids, or an array of such arrays";

  private Prompts() {}

  /**
   * Reads the prompts, at least one.
   *
   * @throws ApiException if a prompt is wrong or empty, or there are too many
   */
  static List<Prompt> read(JsonFields fields) {
    @Nullable JsonNode value = fields.find(NAME);
    if (value == null) {
      throw FieldErrors.missing(NAME);
    }
    if (!value.isArray()) {
      return List.of(text(NAME, value));
    }
    if (value.isEmpty()) {
      throw FieldErrors.type(NAME, FORMS, value);
    }
    return value.get(0).isIntegralNumber() ? List.of(tokens(NAME, value)) : several(value);
  }

  private static List<Prompt> several(JsonNode value) {
    if (value.size() > S3Engine.MOST_ANSWERS) {
      throw ApiException.badField(
          NAME,
          "Invalid 'prompt': array too long. Expected an array with maximum length %d, but got an array with length %d instead."
              .formatted(S3Engine.MOST_ANSWERS, value.size()));
    }
    List<Prompt> prompts = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      String name = NAME + "[" + i + "]";
      JsonNode one = value.get(i);
      prompts.add(one.isArray() ? tokens(name, one) : text(name, one));
    }
    return prompts;
  }

  private static Prompt text(String name, JsonNode value) {
    if (!value.isString()) {
      throw FieldErrors.type(name, FORMS, value);
    }
    if (value.stringValue().isEmpty()) {
      throw ApiException.badField(name, "Invalid '%s': it must not be empty.".formatted(name));
    }
    return Prompt.of(value.stringValue());
  }

  private static Prompt tokens(String name, JsonNode value) {
    if (value.isEmpty()) {
      throw ApiException.badField(name, "Invalid '%s': it must not be empty.".formatted(name));
    }
    int[] tokens = new int[value.size()];
    for (int i = 0; i < tokens.length; i++) {
      String param = name + "[" + i + "]";
      tokens[i] = Math.toIntExact(Numbers.integer(param, value.get(i), 0, Integer.MAX_VALUE));
    }
    return Prompt.of(tokens);
  }
}
