package dev.s3llm.springai;

import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import dev.s3llm.text.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.content.MediaContent;

/** Converts Spring AI's messages. */
final class Messages {
  private Messages() {}

  /**
   * Converts messages, in order.
   *
   * @throws IllegalArgumentException if a message has images or other media, or the arguments of a
   *     call are no JSON object
   */
  static List<ChatMessage> of(List<Message> messages) {
    List<ChatMessage> converted = new ArrayList<>(messages.size());
    for (int i = 0; i < messages.size(); i++) {
      add(messages.get(i), i, converted);
    }
    return converted;
  }

  private static void add(Message message, int index, List<ChatMessage> to) {
    if (message instanceof MediaContent content && !content.getMedia().isEmpty()) {
      throw new IllegalArgumentException(
          "message %d has media, but a model here reads text only: remove its media"
              .formatted(index));
    }
    if (message instanceof AssistantMessage assistant) {
      to.add(assistant(assistant));
    } else if (message instanceof ToolResponseMessage results) {
      results.getResponses().forEach(result -> to.add(result(result)));
    } else {
      to.add(ChatMessage.of(role(message), text(message.getText())));
    }
  }

  private static ChatRole role(Message message) {
    return switch (message.getMessageType()) {
      case SYSTEM -> ChatRole.SYSTEM;
      case USER -> ChatRole.USER;
      case ASSISTANT -> ChatRole.ASSISTANT;
      case TOOL -> ChatRole.TOOL;
    };
  }

  private static ChatMessage assistant(AssistantMessage message) {
    ChatMessage.Builder builder = ChatMessage.builder(ChatRole.ASSISTANT);
    String text = text(message.getText());
    if (!text.isEmpty() || !message.hasToolCalls()) {
      builder.content(text);
    }
    if (message.getMetadata().get(Responses.REASONING) instanceof String reasoning
        && !reasoning.isEmpty()) {
      builder.reasoningContent(reasoning);
    }
    message.getToolCalls().forEach(call -> builder.toolCall(call(call)));
    return builder.build();
  }

  private static ToolCall call(AssistantMessage.ToolCall call) {
    String arguments = text(call.arguments());
    return ToolCall.parse(text(call.id()), call.name(), arguments.isBlank() ? "{}" : arguments);
  }

  private static ChatMessage result(ToolResponseMessage.ToolResponse result) {
    return ChatMessage.builder(ChatRole.TOOL)
        .content(text(result.responseData()))
        .toolCallId(text(result.id()))
        .name(text(result.name()))
        .build();
  }

  /** Returns a text; empty if there is none, as messages of a store may be. */
  private static String text(@Nullable String text) {
    return Objects.requireNonNullElse(text, "");
  }
}
