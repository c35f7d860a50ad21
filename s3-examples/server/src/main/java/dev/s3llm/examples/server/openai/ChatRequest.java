package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

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
    fields.refuse("logprobs", value -> value.isBoolean() && !value.booleanValue());
    fields.refuse("top_logprobs", value -> JsonFields.isInt(value, 0));
    fields.refuse("response_format", value -> value.path("type").asString("").equals("text"));
    fields.refuse("audio", value -> false);
    return new ChatRequest(messages(fields), options(fields));
  }

  private static GenerationOptions options(JsonFields fields) {
    OptionalInt older = fields.count(OLDER_LIMIT);
    OptionalInt newer = fields.count(NEWER_LIMIT);
    return newer.isPresent()
        ? GenerationOptions.read(fields, NEWER_LIMIT, newer)
        : GenerationOptions.read(fields, OLDER_LIMIT, older);
  }

  private static List<ChatMessage> messages(JsonFields fields) {
    @Nullable JsonNode value = fields.find("messages");
    if (value == null || !value.isArray() || value.isEmpty()) {
      throw ApiException.badField("messages", "messages must be an array of at least one message");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      messages.add(message("messages[" + i + "]", value.get(i)));
    }
    return messages;
  }

  private static ChatMessage message(String name, JsonNode value) {
    if (!(value instanceof ObjectNode object)) {
      throw ApiException.badField(name, name + " must be an object");
    }
    JsonFields fields = new JsonFields(object);
    return ChatMessage.of(
        role(name + ".role", fields.string("role").orElse("")),
        content(name + ".content", fields.find("content")));
  }

  private static ChatRole role(String name, String text) {
    // Newer clients use this name for the system message.
    String role = text.equals("developer") ? ChatRole.SYSTEM.text() : text;
    try {
      return ChatRole.of(role);
    } catch (IllegalArgumentException e) {
      throw ApiException.badField(name, String.valueOf(e.getMessage()));
    }
  }

  /** Reads content: a string, or an array of parts, which must be text. */
  private static String content(String name, @Nullable JsonNode value) {
    if (value != null && value.isString()) {
      return value.stringValue();
    }
    if (value == null || !value.isArray()) {
      throw ApiException.badField(name, name + " must be a string or an array of parts");
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : value) {
      if (!part.path("type").asString("").equals("text") || !part.path("text").isString()) {
        throw ApiException.unsupported(name, name + " may have parts of text only");
      }
      text.append(part.path("text").stringValue());
    }
    return text.toString();
  }
}
