package dev.s3llm.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.ChatRequestValidationUtils;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import dev.s3llm.text.ToolCall;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Converts LangChain4j's messages. */
final class Messages {
  private Messages() {}

  /**
   * Converts messages, in order.
   *
   * @throws UnsupportedFeatureException if a message has images, audio or other media
   * @throws IllegalArgumentException if the arguments of a call are no JSON object
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
      return ChatMessage.user(text(user.contents()));
    }
    if (message instanceof AiMessage ai) {
      return assistant(ai);
    }
    if (message instanceof ToolExecutionResultMessage result) {
      ChatMessage.Builder builder =
          ChatMessage.builder(ChatRole.TOOL)
              .content(text(result.contents()))
              .toolCallId(Objects.requireNonNullElse(result.id(), ""));
      return named(builder, result.toolName()).build();
    }
    throw new UnsupportedFeatureException(
        "a message of type %s is not supported".formatted(message.type()));
  }

  private static ChatMessage.Builder named(ChatMessage.Builder builder, @Nullable String name) {
    return name == null ? builder : builder.name(name);
  }

  private static ChatMessage assistant(AiMessage message) {
    ChatMessage.Builder builder = ChatMessage.builder(ChatRole.ASSISTANT);
    if (message.text() != null || !message.hasToolExecutionRequests()) {
      builder.content(Objects.requireNonNullElse(message.text(), ""));
    }
    if (message.thinking() != null) {
      builder.reasoningContent(message.thinking());
    }
    if (message.hasToolExecutionRequests()) {
      message.toolExecutionRequests().forEach(call -> builder.toolCall(call(call)));
    }
    return builder.build();
  }

  private static ToolCall call(ToolExecutionRequest call) {
    String arguments = call.arguments();
    return ToolCall.parse(
        Objects.requireNonNullElse(call.id(), ""),
        call.name(),
        arguments == null || arguments.isBlank() ? "{}" : arguments);
  }

  private static String text(List<Content> contents) {
    return contents.stream()
        .map(
            content -> {
              if (content instanceof TextContent text) {
                return text.text();
              }
              throw new UnsupportedFeatureException(
                  "a content of type %s is not supported".formatted(content.type()));
            })
        .collect(Collectors.joining("\n"));
  }
}
