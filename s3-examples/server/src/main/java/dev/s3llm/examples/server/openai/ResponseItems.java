package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import dev.s3llm.text.ToolCall;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads the fields {@code instructions} and {@code input}: a text, or items, which are messages,
 * calls of functions and their outputs. Calls of one turn become one message of the assistant.
 */
final class ResponseItems {
  private static final String INPUT = "input";

  private final List<ChatMessage> messages = new ArrayList<>();
  private final StringBuilder said = new StringBuilder();
  private final List<ToolCall> calls = new ArrayList<>();

  private ResponseItems() {}

  /**
   * Reads the conversation, at least one message.
   *
   * @throws ApiException if an item is wrong or not supported; it names the item
   */
  static List<ChatMessage> read(JsonFields fields) {
    ResponseItems items = new ResponseItems();
    fields.string("instructions").ifPresent(text -> items.messages.add(ChatMessage.system(text)));
    @Nullable JsonNode input = fields.find(INPUT);
    if (input == null) {
      throw FieldErrors.missing(INPUT);
    }
    if (input.isString()) {
      items.messages.add(ChatMessage.user(input.stringValue()));
    } else if (input.isArray() && !input.isEmpty()) {
      fields.objects(INPUT).forEach(items::add);
      items.endTurn();
    } else {
      throw FieldErrors.type(INPUT, "a string or an array of at least one item", input);
    }
    return items.messages;
  }

  private void add(JsonFields item) {
    String type = item.string("type").orElse("message");
    switch (type) {
      case "message" -> message(item);
      case "function_call" ->
          calls.add(ChatMessages.toolCall(item.string("call_id").orElse(""), item));
      case "function_call_output" -> output(item);
      case "reasoning" -> {} // no template has a place for the reasoning of earlier turns
      default ->
          throw FieldErrors.value(
              item.path("type"),
              type,
              "'message', 'function_call', 'function_call_output' and 'reasoning'");
    }
  }

  private void message(JsonFields item) {
    ChatRole role = ChatMessages.role(item.path("role"), item.required("role"));
    String text = content(item.path("content"), item.find("content"));
    if (role == ChatRole.ASSISTANT) {
      if (!calls.isEmpty()) {
        endTurn();
      }
      said.append(text);
      return;
    }
    endTurn();
    messages.add(ChatMessage.builder(role).content(text).build());
  }

  private void output(JsonFields item) {
    endTurn();
    messages.add(
        ChatMessage.builder(ChatRole.TOOL)
            .toolCallId(item.required("call_id"))
            .content(content(item.path("output"), item.find("output")))
            .build());
  }

  /** Adds the message of the assistant that was read last, if there is one. */
  private void endTurn() {
    if (said.isEmpty() && calls.isEmpty()) {
      return;
    }
    ChatMessage.Builder message = ChatMessage.builder(ChatRole.ASSISTANT);
    if (!said.isEmpty() || calls.isEmpty()) {
      message.content(said.toString());
    }
    calls.forEach(message::toolCall);
    messages.add(message.build());
    said.setLength(0);
    calls.clear();
  }

  private static String content(String name, @Nullable JsonNode value) {
    return ChatMessages.content(name, value, List.of("input_text", "output_text"));
  }
}
