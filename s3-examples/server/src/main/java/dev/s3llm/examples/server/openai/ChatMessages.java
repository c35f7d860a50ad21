package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import dev.s3llm.text.ToolCall;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the messages of a conversation, calls of tools and their results included. */
final class ChatMessages {
  private static final String ROLES = "'system', 'developer', 'user', 'assistant' and 'tool'";

  private ChatMessages() {}

  /**
   * Reads the field {@code messages}.
   *
   * @throws ApiException if a message is wrong or not supported; it names the message
   */
  static List<ChatMessage> read(JsonFields fields) {
    @Nullable JsonNode value = fields.find("messages");
    if (value == null) {
      throw FieldErrors.missing("messages");
    }
    if (!value.isArray() || value.isEmpty()) {
      throw FieldErrors.type("messages", "an array with at least one message", value);
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      messages.add(message("messages[" + i + "]", value.get(i)));
    }
    return messages;
  }

  private static ChatMessage message(String name, JsonNode value) {
    JsonFields fields = JsonFields.of(name, value);
    ChatMessage.Builder message =
        ChatMessage.builder(role(name + ".role", fields.required("role")));
    List<ToolCall> calls = toolCalls(fields);
    @Nullable JsonNode content = fields.find("content");
    if (content != null || calls.isEmpty()) {
      message.content(content(name + ".content", content));
    }
    calls.forEach(message::toolCall);
    fields.string("tool_call_id").ifPresent(message::toolCallId);
    fields.string("name").ifPresent(message::name);
    fields.string("reasoning_content").ifPresent(message::reasoningContent);
    return message.build();
  }

  static ChatRole role(String name, String text) {
    // Newer clients use this name for the system message.
    String role = text.equals("developer") ? ChatRole.SYSTEM.text() : text;
    try {
      return ChatRole.of(role);
    } catch (IllegalArgumentException e) {
      throw FieldErrors.value(name, text, ROLES);
    }
  }

  private static String content(String name, @Nullable JsonNode value) {
    return content(name, value, List.of("text"));
  }

  /**
   * Reads content: a string, or an array of parts, which must be text.
   *
   * @param types types of the parts that are text
   * @throws ApiException if the content is missing or something else
   */
  static String content(String name, @Nullable JsonNode value, List<String> types) {
    if (value != null && value.isString()) {
      return value.stringValue();
    }
    if (value == null) {
      throw FieldErrors.missing(name);
    }
    if (!value.isArray() || value.isEmpty()) {
      throw FieldErrors.type(name, "a string or an array of at least one part", value);
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : value) {
      if (!types.contains(part.path("type").asString("")) || !part.path("text").isString()) {
        throw ApiException.unsupported(
            name, "Unsupported content: '%s' may have parts of text only.".formatted(name));
      }
      text.append(part.path("text").stringValue());
    }
    return text.toString();
  }

  private static List<ToolCall> toolCalls(JsonFields message) {
    List<ToolCall> calls = new ArrayList<>();
    for (JsonFields call : message.objects("tool_calls")) {
      calls.add(toolCall(call.string("id").orElse(""), call.object("function")));
    }
    return calls;
  }

  /**
   * Reads a call of a tool.
   *
   * @param id the call's id, or an empty text
   * @param function has the fields {@code name} and {@code arguments}
   * @throws ApiException if a field is wrong
   */
  static ToolCall toolCall(String id, JsonFields function) {
    String tool = function.required("name");
    if (tool.isEmpty()) {
      throw ApiException.badField(
          function.path("name"), "Invalid '%s': it is empty.".formatted(function.path("name")));
    }
    String arguments = function.string("arguments").orElse("{}");
    Json.checkArguments(function.path("arguments"), arguments);
    try {
      return ToolCall.parse(id, tool, arguments);
    } catch (IllegalArgumentException e) { // it nests too deeply
      throw ApiException.badField(
          function.path("arguments"),
          "Invalid '%s': %s.".formatted(function.path("arguments"), e.getMessage()));
    }
  }
}
