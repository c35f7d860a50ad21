package dev.s3llm.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/**
 * A {@link ChatModel} on a {@link TextGenerator} of this process.
 *
 * <p>Responses carry {@link S3ChatResponseMetadata}; requests may carry {@link
 * S3ChatRequestParameters}. Refusals and failures are thrown as LangChain4j's exceptions:
 *
 * <ul>
 *   <li>{@code UnsupportedFeatureException}: images and other media, another model.
 *   <li>{@code RateLimitException}, which LangChain4j retries: the engine cannot take the request
 *       now (queue full, first token too late, engine stuck).
 *   <li>{@code InvalidRequestException}: the request can never be accepted (too long, a parameter
 *       out of range, messages that the chat template refuses).
 *   <li>{@code TimeoutException}: the deadline passed.
 *   <li>{@code InternalServerException}, which LangChain4j retries: a step or the engine failed.
 *   <li>{@code NonRetriableException}: the engine is closed, the request was cancelled, or the
 *       request itself made its step fail.
 * </ul>
 *
 * <p>Thread-safe. The model does not close the generator.
 */
public final class S3ChatModel implements ChatModel {
  private final S3Chat chat;

  private S3ChatModel(S3Chat chat) {
    this.chat = chat;
  }

  /**
   * Returns a builder of a model.
   *
   * @param generator runs the requests; remains owned by the caller, who closes it
   * @return a new builder
   */
  public static S3ChatBuilder<S3ChatModel> builder(TextGenerator generator) {
    return new S3ChatBuilder<>(generator, S3ChatModel::new);
  }

  /**
   * Runs a request and waits for its answer. An interrupt of the waiting thread cancels the
   * request.
   *
   * @throws LangChain4jException if the request is refused, fails or is interrupted
   */
  @Override
  public ChatResponse doChat(ChatRequest request) {
    TextGeneration generation = chat.submit(chat.request(request));
    try {
      return chat.response(generation.result().get(), null);
    } catch (ExecutionException e) {
      throw S3Exceptions.map(e);
    } catch (InterruptedException e) {
      generation.cancel();
      Thread.currentThread().interrupt();
      throw new LangChain4jException("interrupted while waiting for " + generation.id(), e);
    }
  }

  /**
   * Submits a request. Cancelling the returned future cancels the request.
   *
   * @throws LangChain4jException if the request is refused at once
   */
  @Override
  public CompletableFuture<ChatResponse> doChatAsync(ChatRequest request) {
    TextGeneration generation = chat.submit(chat.request(request));
    CompletableFuture<ChatResponse> response = generation.result().handle(chat::response);
    CompletionStage<ChatResponse> stage = response;
    stage.whenComplete(
        (ignored, error) -> {
          if (response.isCancelled()) {
            generation.cancel();
          }
        });
    return response;
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return chat.defaults();
  }

  @Override
  public List<ChatModelListener> listeners() {
    return chat.listeners();
  }

  /** Returns that answers keep a JSON schema of the request. */
  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }
}
