package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import dev.s3llm.text.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the messages of a conversation, calls of tools and their results included. */
final class ChatMessages {
  private ChatMessages() {}

  /**
   * Reads the field {@code messages}.
   *
   * @throws ApiException if a message is wrong or not supported; it names the message
   */
  static List<ChatMessage> read(JsonFields fields) {
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
    JsonFields fields = fields(name, value);
    ChatMessage.Builder message =
        ChatMessage.builder(role(name + ".role", fields.string("role").orElse("")));
    List<ToolCall> calls = toolCalls(name + ".tool_calls", fields.find("tool_calls"));
    @Nullable JsonNode content = fields.find("content");
    if (content != null || calls.isEmpty()) {
      message.content(content(name + ".content", content));
    }
    calls.forEach(message::toolCall);
    fields.string("tool_call_id").ifPresent(message::toolCallId);
    fields.string("name").ifPresent(message::name);
    return message.build();
  }

  private static JsonFields fields(String name, JsonNode value) {
    if (value instanceof ObjectNode object) {
      return new JsonFields(object);
    }
    throw ApiException.badField(name, name + " must be an object");
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
    if (value == null || !value.isArray() || value.isEmpty()) {
      throw ApiException.badField(
          name, name + " must be a string or an array of at least one part");
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

  private static List<ToolCall> toolCalls(String name, @Nullable JsonNode value) {
    if (value == null) {
      return List.of();
    }
    if (!value.isArray()) {
      throw ApiException.badField(name, name + " must be an array");
    }
    List<ToolCall> calls = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      calls.add(toolCall(name + "[" + i + "]", value.get(i)));
    }
    return calls;
  }

  private static ToolCall toolCall(String name, JsonNode value) {
    JsonFields call = fields(name, value);
    JsonFields function = call.object("function");
    String tool = function.string("name").filter(text -> !text.isEmpty()).orElse("");
    if (tool.isEmpty()) {
      String field = name + ".function.name";
      throw ApiException.badField(field, field + " must be the name of a function");
    }
    Map<String, @Nullable Object> arguments =
        Json.readArguments(name + ".function.arguments", function.string("arguments").orElse("{}"));
    return new ToolCall(call.string("id").orElse(""), tool, arguments);
  }
}
