package dev.s3llm.examples.server.openai;

import java.util.List;
import java.util.OptionalInt;

/**
 * A request of {@code /v1/chat/completions}.
 *
 * @param dialogue the conversation
 * @param options the fields that all endpoints have
 */
public record ChatRequest(Dialogue dialogue, GenerationOptions options) {
  private static final String OLDER_LIMIT = "max_tokens";
  private static final String NEWER_LIMIT = "max_completion_tokens";

  /**
   * Reads a request.
   *
   * @throws ApiException if a field is wrong or not supported
   */
  public static ChatRequest read(JsonFields fields) {
    for (String name : List.of("functions", "function_call")) { // deprecated by the API
      fields.refuse(name, value -> value.isArray() && value.isEmpty());
    }
    fields.refuse("audio", value -> false);
    Tools tools = Tools.read(fields, Tools.Place.NESTED);
    ResponseFormat format = ResponseFormat.read(fields);
    return new ChatRequest(
        Dialogue.read(ChatMessages.read(fields), tools, fields, fields.string("reasoning_effort")),
        GenerationOptions.read(fields, limit(fields), logProbabilities(fields), format));
  }

  private static int logProbabilities(JsonFields fields) {
    boolean wanted = fields.flag("logprobs");
    OptionalInt most = fields.count("top_logprobs", 0, GenerationOptions.MOST_LOG_PROBABILITIES);
    if (!wanted && most.orElse(0) > 0) {
      throw ApiException.badField(
          "top_logprobs", "Invalid 'top_logprobs': it needs 'logprobs' to be true.");
    }
    return wanted ? most.orElse(0) : -1;
  }

  private static OutputLimit limit(JsonFields fields) {
    OptionalInt older = fields.count(OLDER_LIMIT, 1, Integer.MAX_VALUE);
    OptionalInt newer = fields.count(NEWER_LIMIT, 1, Integer.MAX_VALUE);
    return newer.isPresent()
        ? OutputLimit.read(fields, NEWER_LIMIT, newer)
        : OutputLimit.read(fields, OLDER_LIMIT, older);
  }
}
