package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A request of {@code /v1/chat/completions}.
 *
 * @param messages the conversation, oldest message first
 * @param options the fields that all endpoints have
 */
public record ChatRequest(List<ChatMessage> messages, GenerationOptions options) {
  private static final String OLDER_LIMIT = "max_tokens";
  private static final String NEWER_LIMIT = "max_completion_tokens";

  /**
   * Reads a request.
   *
   * @throws ApiException if a field is wrong or not supported
   */
  public static ChatRequest read(JsonFields fields) {
    for (String name : List.of("tools", "functions")) {
      fields.refuse(name, value -> value.isArray() && value.isEmpty());
    }
    refuseToolChoice(fields.find("tool_choice"));
    fields.refuse("response_format", value -> value.path("type").asString("").equals("text"));
    fields.refuse("audio", value -> false);
    return new ChatRequest(
        ChatMessages.read(fields),
        GenerationOptions.read(fields, limit(fields), logProbabilities(fields)));
  }

  /** Refuses to call a tool where there is none; the client would wait for the call in vain. */
  private static void refuseToolChoice(@Nullable JsonNode choice) {
    if (choice == null || List.of("none", "auto").contains(choice.asString(""))) {
      return;
    }
    throw ApiException.badField(
        "tool_choice",
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are"
            + " specified.");
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
