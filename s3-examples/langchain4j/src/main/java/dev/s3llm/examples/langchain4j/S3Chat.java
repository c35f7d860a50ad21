package dev.s3llm.examples.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.ChatRequestValidationUtils;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.s3llm.GenerationResult;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What both chat models do: requests of LangChain4j in, its answers and exceptions out. */
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

  /** Checks a request and turns it into ours; what the caller did wrong is thrown here. */
  TextRequest request(ChatRequest request) {
    ChatRequestParameters parameters = request.parameters();
    requireSupported(parameters);
    try {
      TextRequest.Builder builder =
          TextRequest.builder()
              .messages(Messages.of(request.messages()))
              .stop(parameters.stopSequences());
      if (parameters.maxOutputTokens() != null) {
        builder.maxNewTokens(parameters.maxOutputTokens());
      }
      SamplingParameters sampling = sampling(parameters);
      builder.configure(tokens -> tokens.sampling(sampling));
      if (parameters instanceof S3ChatRequestParameters ours) {
        ours.check();
        builder.configure(ours::apply);
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
    refuse("frequencyPenalty", parameters.frequencyPenalty());
    refuse("presencePenalty", parameters.presencePenalty());
    ChatRequestValidationUtils.validate(parameters.toolChoice());
    ChatRequestValidationUtils.validate(parameters.toolSpecifications());
    ChatRequestValidationUtils.validate(parameters.responseFormat());
  }

  private static void refuse(String name, @Nullable Object value) {
    if (value != null) {
      throw new UnsupportedFeatureException("'" + name + "' parameter is not supported");
    }
  }

  private static SamplingParameters sampling(ChatRequestParameters parameters) {
    return new SamplingParameters(
        Objects.requireNonNullElse(parameters.temperature(), 0.0),
        Objects.requireNonNullElse(parameters.topK(), 0),
        Objects.requireNonNullElse(parameters.topP(), 1.0),
        1,
        parameters instanceof S3ChatRequestParameters ours ? ours.seed() : 0);
  }

  /** Submits; refusals come as LangChain4j's exceptions. */
  TextGeneration submit(TextRequest request) {
    try {
      return generator.submit(request);
    } catch (IllegalStateException e) {
      throw new NonRetriableException(e); // the tokenizer is closed: so is the generator
    } catch (RuntimeException e) {
      throw S3Exceptions.map(e);
    }
  }

  /** The answer, or the exception that stands for how it ended; one of the two is there. */
  ChatResponse response(@Nullable TextResult result, @Nullable Throwable error) {
    if (result == null) {
      throw S3Exceptions.map(error == null ? new IllegalStateException("no result") : error);
    }
    return response(result);
  }

  private ChatResponse response(TextResult result) {
    GenerationResult generation = result.generation();
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(result.text()))
        .metadata(
            S3ChatResponseMetadata.builder()
                .scheduling(S3ChatResponseMetadata.Scheduling.of(generation))
                .id(generation.id())
                .modelName(modelName)
                .tokenUsage(new TokenUsage(generation.promptTokens(), generation.outputTokens()))
                .finishReason(finishReason(result))
                .build())
        .build();
  }

  private static FinishReason finishReason(TextResult result) {
    return switch (result.finishReason()) {
      case STOP -> FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
      case CANCELLED, TIMEOUT, FAILED -> throw S3Exceptions.of(result.generation());
    };
  }
}
