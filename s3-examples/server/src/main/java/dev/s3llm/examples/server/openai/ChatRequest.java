package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A request of {@code /v1/chat/completions}. */
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
    fields.refuse("logprobs", value -> value.isBoolean() && !value.booleanValue());
    fields.refuse("top_logprobs", value -> JsonFields.isInt(value, 0));
    fields.refuse("response_format", value -> value.path("type").asString("").equals("text"));
    fields.refuse("audio", value -> false);
    return new ChatRequest(ChatMessages.read(fields), options(fields));
  }

  /** Refuses to call a tool where there is none; the client would wait for the call in vain. */
  private static void refuseToolChoice(@Nullable JsonNode choice) {
    if (choice == null || List.of("none", "auto").contains(choice.asString(""))) {
      return;
    }
    throw ApiException.badField(
        "tool_choice", "tool_choice may be \"none\" or \"auto\" where tools has no function");
  }

  private static GenerationOptions options(JsonFields fields) {
    OptionalInt older = fields.count(OLDER_LIMIT);
    OptionalInt newer = fields.count(NEWER_LIMIT);
    return newer.isPresent()
        ? GenerationOptions.read(fields, NEWER_LIMIT, newer)
        : GenerationOptions.read(fields, OLDER_LIMIT, older);
  }
}
