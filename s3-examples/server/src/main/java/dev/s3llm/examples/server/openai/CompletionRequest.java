package dev.s3llm.examples.server.openai;

import java.util.List;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;

/** A request of {@code /v1/completions}. */
public record CompletionRequest(String prompt, GenerationOptions options) {
  private static final String LIMIT = "max_tokens";
  private static final int DEFAULT_MAX_TOKENS = 16;

  /**
   * Reads a request.
   *
   * @throws ApiException if a field is wrong or not supported
   */
  public static CompletionRequest read(JsonFields fields) {
    fields.refuse("echo", value -> value.isBoolean() && !value.booleanValue());
    fields.refuse("suffix", value -> value.isString() && value.stringValue().isEmpty());
    fields.refuse("best_of", value -> JsonFields.isInt(value, 1));
    fields.refuse("logprobs", JsonNode::isNull);
    List<String> prompts = fields.strings("prompt");
    if (prompts.size() != 1 || prompts.get(0).isEmpty()) {
      throw ApiException.badField("prompt", "prompt must be one string that is not empty");
    }
    int limit = fields.count(LIMIT).orElse(DEFAULT_MAX_TOKENS);
    return new CompletionRequest(
        prompts.get(0), GenerationOptions.read(fields, LIMIT, OptionalInt.of(limit)));
  }
}
