package dev.s3llm.examples.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/**
 * A chat model that runs in this process: LangChain4j's interface to a {@link TextGenerator}.
 *
 * <p>Answers carry {@link S3ChatResponseMetadata}; requests may carry {@link
 * S3ChatRequestParameters}. Tools, JSON formats, images and penalties are refused with {@code
 * UnsupportedFeatureException}, other failures become LangChain4j's exceptions as {@link
 * S3Exceptions} says. Thread-safe; closing the generator is its owner's business.
 */
public final class S3ChatModel implements ChatModel {
  private final S3Chat chat;

  private S3ChatModel(S3Chat chat) {
    this.chat = chat;
  }

  /** Starts a model on a generator, which stays the caller's. */
  public static S3ChatBuilder<S3ChatModel> builder(TextGenerator generator) {
    return new S3ChatBuilder<>(generator, S3ChatModel::new);
  }

  /** Waits for the answer. A thread that is interrupted meanwhile cancels it. */
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

  /** The answer to come; cancelling the future cancels the generation. */
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
}
