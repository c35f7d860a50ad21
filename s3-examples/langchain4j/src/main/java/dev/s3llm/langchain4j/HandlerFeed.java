package dev.s3llm.langchain4j;

import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onCompleteResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onCompleteToolCall;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialResponse;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialThinking;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.onPartialToolCall;
import static dev.langchain4j.internal.InternalStreamingChatResponseHandlerUtils.withLoggingExceptions;

import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.tool.AnswerEvent;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Passes an answer to a handler piece by piece, until it ends or the handler cancels it. */
final class HandlerFeed implements Flow.Subscriber<AnswerEvent>, StreamingHandle {
  private final S3Chat chat;
  private final TextGeneration generation;
  private final StreamingChatResponseHandler handler;
  private final PartialEvents events = new PartialEvents();
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
  public void onNext(AnswerEvent part) {
    ChatModelStreamingEvent event = events.of(part);
    if (event instanceof PartialResponse piece) {
      onPartialResponse(handler, piece.text(), this);
    } else if (event instanceof PartialThinking piece) {
      onPartialThinking(handler, piece.text(), this);
    } else if (event instanceof PartialToolCall call) {
      onPartialToolCall(handler, call, this);
    } else if (event instanceof CompleteToolCall call) {
      onCompleteToolCall(handler, call);
    }
  }

  @Override
  public void onError(Throwable failure) {
    end(); // the result has the details
  }

  @Override
  public void onComplete() {
    end();
  }

  private void end() {
    CompletionStage<TextResult> result = generation.result();
    result.whenComplete(this::deliver);
  }

  private void deliver(@Nullable TextResult result, @Nullable Throwable error) {
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
