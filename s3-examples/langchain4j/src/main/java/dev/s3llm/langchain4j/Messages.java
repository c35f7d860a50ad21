package dev.s3llm.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.ChatRequestValidationUtils;
import dev.s3llm.text.ChatMessage;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** Converts LangChain4j's messages. */
final class Messages {
  private Messages() {}

  /**
   * Converts messages, in order.
   *
   * @throws UnsupportedFeatureException if a message has images, audio, tool calls or tool results
   */
  static List<ChatMessage> of(List<dev.langchain4j.data.message.ChatMessage> messages) {
    ChatRequestValidationUtils.validateMessages(messages); // refuses images and other media
    return messages.stream().map(Messages::of).toList();
  }

  private static ChatMessage of(dev.langchain4j.data.message.ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return ChatMessage.system(system.text());
    }
    if (message instanceof UserMessage user) {
      return ChatMessage.user(
          user.contents().stream()
              .map(content -> ((TextContent) content).text())
              .collect(Collectors.joining("\n")));
    }
    if (message instanceof AiMessage ai && !ai.hasToolExecutionRequests()) {
      return ChatMessage.assistant(Objects.requireNonNullElse(ai.text(), ""));
    }
    throw new UnsupportedFeatureException(
        "a message of type %s is not supported (tools are not)".formatted(message.type()));
  }
}
