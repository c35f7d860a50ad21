package dev.s3llm.springai;

import dev.s3llm.GenerationResult;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.ToolCall;
import dev.s3llm.text.tool.AnswerEvent;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;

/** Converts answers and their parts. Thread-safe. */
final class Responses {
  /** Metadata of a message: all of its reasoning. The key that Spring AI's OpenAI model has. */
  static final String REASONING = "reasoningContent";

  /** Metadata of a generation: a piece of the reasoning. The key of Spring AI's Ollama model. */
  static final String THINKING = "thinking";

  static final String LOG_PROBABILITIES = "logprobs";
  static final String RESULT = "generation";

  private final String modelName;

  Responses(String modelName) {
    this.modelName = modelName;
  }

  /** Returns the response of a piece of a streamed answer; null if it has none of its own. */
  @Nullable ChatResponse piece(String id, AnswerEvent event) {
    if (event instanceof AnswerEvent.Content content) {
      return response(id, new Generation(new AssistantMessage(content.text())));
    }
    if (event instanceof AnswerEvent.Reasoning reasoning) {
      return response(
          id,
          new Generation(
              new AssistantMessage(""),
              ChatGenerationMetadata.builder().metadata(THINKING, reasoning.text()).build()));
    }
    return null; // calls come with the last response, all at once
  }

  private ChatResponse response(String id, Generation generation) {
    return new ChatResponse(
        List.of(generation), ChatResponseMetadata.builder().id(id).model(modelName).build());
  }

  /**
   * Returns the response of a whole answer.
   *
   * @throws RuntimeException if the answer did not end normally
   */
  ChatResponse whole(TextResult result) {
    return response(result, result.text());
  }

  /**
   * Returns the last response of a streamed answer: calls, reasoning and metadata, without the
   * content.
   *
   * @throws RuntimeException if the answer did not end normally
   */
  ChatResponse last(TextResult result) {
    return response(result, "");
  }

  private ChatResponse response(TextResult result, String text) {
    requireEnded(result);
    AssistantMessage message =
        AssistantMessage.builder()
            .content(text)
            .properties(
                result.reasoning().isEmpty() ? Map.of() : Map.of(REASONING, result.reasoning()))
            .toolCalls(result.toolCalls().stream().map(Responses::call).toList())
            .build();
    return new ChatResponse(List.of(new Generation(message, metadata(result))), about(result));
  }

  private static AssistantMessage.ToolCall call(ToolCall call) {
    return new AssistantMessage.ToolCall(call.id(), "function", call.name(), call.argumentsJson());
  }

  /** Returns the metadata of an answer, with the names of finish reasons that OpenAI's has. */
  private static ChatGenerationMetadata metadata(TextResult result) {
    ChatGenerationMetadata.Builder builder =
        ChatGenerationMetadata.builder()
            .finishReason(result.awaitsTools() ? "TOOL_CALLS" : result.finishReason().name());
    List<GenerationResult.TokenScores> scores = result.generation().scores();
    if (!scores.isEmpty()) {
      builder.metadata(LOG_PROBABILITIES, scores);
    }
    return builder.build();
  }

  private ChatResponseMetadata about(TextResult result) {
    GenerationResult generation = result.generation();
    S3Usage usage =
        new S3Usage(
            generation.promptTokens(),
            generation.cachedTokens(),
            generation.outputTokens(),
            result.reasoningTokens());
    return ChatResponseMetadata.builder()
        .id(generation.id())
        .model(modelName)
        .usage(
            new DefaultUsage(
                usage.promptTokens(),
                usage.completionTokens(),
                null,
                usage,
                (long) usage.cachedTokens(),
                null))
        .keyValue(RESULT, generation)
        .build();
  }

  private static void requireEnded(TextResult result) {
    switch (result.finishReason()) {
      case STOP, LENGTH -> {}
      case CANCELLED, TIMEOUT -> throw AnswerEndedException.of(result.generation());
      case FAILED -> throw failure(result.generation());
    }
  }

  private static RuntimeException failure(GenerationResult generation) {
    Throwable failure = generation.failure().orElse(null);
    return failure instanceof RuntimeException known
        ? known
        : new IllegalStateException("request %s failed".formatted(generation.id()), failure);
  }
}
