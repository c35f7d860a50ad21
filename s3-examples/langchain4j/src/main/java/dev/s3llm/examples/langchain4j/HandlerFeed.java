package dev.s3llm.examples.langchain4j;

import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onCompleteResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.withLoggingExceptions;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextResult;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Hands an answer to a handler piece by piece, until it ends or the handler cancels. */
final class HandlerFeed implements Flow.Subscriber<String>, StreamingHandle {
  private final S3Chat chat;
  private final TextGeneration generation;
  private final StreamingChatResponseHandler handler;
  private volatile Flow.@Nullable Subscription subscription;
  private volatile boolean cancelled;

  HandlerFeed(S3Chat chat, TextGeneration generation, StreamingChatResponseHandler handler) {
    this.chat = chat;
    this.generation = generation;
    this.handler = handler;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    this.subscription = subscription;
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(String piece) {
    onPartialResponse(handler, piece, this);
  }

  @Override
  public void onError(Throwable failure) {
    end(); // the result says more
  }

  @Override
  public void onComplete() {
    end();
  }

  private void end() {
    CompletionStage<TextResult> result = generation.result();
    result.whenComplete(this::hand);
  }

  private void hand(@Nullable TextResult result, @Nullable Throwable error) {
    if (cancelled) {
      return;
    }
    ChatResponse response;
    try {
      response = chat.response(result, error);
    } catch (RuntimeException e) {
      withLoggingExceptions(() -> handler.onError(e));
      return;
    }
    onCompleteResponse(handler, response);
  }

  @Override
  public void cancel() {
    cancelled = true;
    Flow.Subscription active = subscription;
    if (active != null) {
      active.cancel();
    }
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }
}
