package dev.s3llm.langchain4j;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.Json;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.s3llm.GenerationResult;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.text.Conversation;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.constraint.Constraints;
import dev.s3llm.text.constraint.Grammar;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Converts requests, answers and exceptions for both chat models. Thread-safe. */
final class S3Chat {
  private final TextGenerator generator;
  private final String modelName;
  private final ChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  S3Chat(
      TextGenerator generator,
      String modelName,
      ChatRequestParameters defaults,
      List<ChatModelListener> listeners) {
    this.generator = generator;
    this.modelName = modelName;
    this.defaults = defaults;
    this.listeners = listeners;
    request(ChatRequest.builder().messages(UserMessage.from("?")).parameters(defaults).build());
  }

  ChatRequestParameters defaults() {
    return defaults;
  }

  List<ChatModelListener> listeners() {
    return listeners;
  }

  /**
   * Checks a request and converts it.
   *
   * @throws UnsupportedFeatureException if it uses a feature that the engine lacks
   * @throws dev.langchain4j.exception.InvalidRequestException if a parameter is out of range
   */
  TextRequest request(ChatRequest request) {
    ChatRequestParameters parameters = request.parameters();
    requireSupported(parameters);
    try {
      TextRequest.Builder builder =
          TextRequest.builder()
              .conversation(conversation(request))
              .toolChoice(Tools.of(parameters.toolChoice()))
              .stop(parameters.stopSequences());
      grammar(parameters.responseFormat()).ifPresent(builder::constraint);
      if (parameters.maxOutputTokens() != null) {
        builder.maxNewTokens(parameters.maxOutputTokens());
      }
      SamplingParameters sampling = sampling(parameters);
      builder.configure(tokens -> tokens.sampling(sampling));
      if (parameters instanceof S3ChatRequestParameters engine) {
        engine.check();
        engine.apply(builder);
        builder.configure(engine::apply);
      }
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw S3Exceptions.map(e);
    }
  }

  private void requireSupported(ChatRequestParameters parameters) {
    String name = parameters.modelName();
    if (name != null && !name.equals(modelName)) {
      throw new UnsupportedFeatureException(
          "'modelName' parameter %s is not supported: this engine runs %s"
              .formatted(name, modelName));
    }
  }

  private static Conversation conversation(ChatRequest request) {
    Conversation.Builder builder = Conversation.builder(Messages.of(request.messages()));
    List<ToolSpecification> tools = request.parameters().toolSpecifications();
    return tools == null || tools.isEmpty()
        ? builder.build()
        : builder.tools(Tools.of(tools)).build();
  }

  private static Optional<Grammar> grammar(@Nullable ResponseFormat format) {
    if (format == null || format.type() != ResponseFormatType.JSON) {
      return Optional.empty();
    }
    JsonSchema schema = format.jsonSchema();
    return Optional.of(
        schema == null
            ? Constraints.json()
            : Constraints.jsonSchema(
                Json.toJson(JsonSchemaElementUtils.toMap(schema.rootElement()))));
  }

  private static SamplingParameters sampling(ChatRequestParameters parameters) {
    return new SamplingParameters(
            Objects.requireNonNullElse(parameters.temperature(), 0.0),
            Objects.requireNonNullElse(parameters.topK(), 0),
            Objects.requireNonNullElse(parameters.topP(), 1.0),
            1,
            parameters instanceof S3ChatRequestParameters engine ? engine.seed() : 0)
        .withPenalties(
            Objects.requireNonNullElse(parameters.presencePenalty(), 0.0),
            Objects.requireNonNullElse(parameters.frequencyPenalty(), 0.0));
  }

  /** Submits a request; a refusal is thrown as LangChain4j's exception. */
  TextGeneration submit(TextRequest request) {
    try {
      return generator.submit(request);
    } catch (IllegalStateException e) {
      throw new NonRetriableException(e); // the generator is closed
    } catch (RuntimeException e) {
      throw S3Exceptions.map(e);
    }
  }

  /**
   * Converts an answer.
   *
   * @param result the answer; null if {@code error} is not
   * @param error the reason why there is no answer; null if {@code result} is not
   * @throws dev.langchain4j.exception.LangChain4jException if the answer did not end normally
   */
  ChatResponse response(@Nullable TextResult result, @Nullable Throwable error) {
    if (result == null) {
      throw S3Exceptions.map(error == null ? new IllegalStateException("no result") : error);
    }
    return response(result);
  }

  private ChatResponse response(TextResult result) {
    GenerationResult generation = result.generation();
    return ChatResponse.builder()
        .aiMessage(message(result))
        .metadata(
            S3ChatResponseMetadata.builder()
                .scheduling(S3ChatResponseMetadata.Scheduling.of(generation))
                .reasoningTokens(result.reasoningTokens())
                .id(generation.id())
                .modelName(modelName)
                .tokenUsage(new TokenUsage(generation.promptTokens(), generation.outputTokens()))
                .finishReason(finishReason(result))
                .build())
        .build();
  }

  private static AiMessage message(TextResult result) {
    AiMessage.Builder builder = AiMessage.builder();
    if (!result.text().isEmpty() || result.toolCalls().isEmpty()) {
      builder.text(result.text());
    }
    if (!result.reasoning().isEmpty()) {
      builder.thinking(result.reasoning());
    }
    if (!result.toolCalls().isEmpty()) {
      builder.toolExecutionRequests(Tools.requests(result.toolCalls()));
    }
    return builder.build();
  }

  private static FinishReason finishReason(TextResult result) {
    return switch (result.finishReason()) {
      case STOP -> result.awaitsTools() ? FinishReason.TOOL_EXECUTION : FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
      case CANCELLED, TIMEOUT, FAILED -> throw S3Exceptions.of(result.generation());
    };
  }
}
