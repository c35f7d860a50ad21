package dev.s3llm.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.internal.Exceptions;
import dev.s3llm.GenerationResult;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.text.ChatTemplateException;

/**
 * Converts the engine's refusals and failures into LangChain4j's exceptions, with the engine's
 * exception as the cause.
 *
 * <ul>
 *   <li>Retriable refusal (queue full, first token too late, engine stuck): {@link
 *       RateLimitException}, which LangChain4j retries.
 *   <li>Final refusal (too long, a field out of range, messages that the chat template refuses):
 *       {@link InvalidRequestException}.
 *   <li>The engine is closed, or the request itself made its step fail: {@link
 *       NonRetriableException}.
 *   <li>The deadline passed: {@link TimeoutException}.
 *   <li>The step or the engine failed: {@link InternalServerException}, which LangChain4j retries.
 * </ul>
 */
final class S3Exceptions {
  private S3Exceptions() {}

  /** Converts a refusal or a failure; LangChain4j's own exceptions are returned as they are. */
  static LangChain4jException map(Throwable error) {
    Throwable cause = Exceptions.unwrapCompletionException(error);
    if (cause instanceof LangChain4jException known) {
      return known;
    }
    if (cause instanceof RequestRefusedException refusal) {
      return refused(refusal);
    }
    if (cause instanceof GenerationFailedException failed && !failed.retriable()) {
      return new NonRetriableException(cause);
    }
    if (cause instanceof ChatTemplateException || cause instanceof IllegalArgumentException) {
      return new InvalidRequestException(cause);
    }
    return new InternalServerException(cause);
  }

  private static LangChain4jException refused(RequestRefusedException refusal) {
    if (refusal.retriable()) {
      return new RateLimitException(refusal);
    }
    return refusal.reason() == Reason.ENGINE_CLOSED
        ? new NonRetriableException(refusal)
        : new InvalidRequestException(refusal);
  }

  /** Converts the end of a generation that was cancelled, timed out or failed. */
  static LangChain4jException of(GenerationResult result) {
    return switch (result.finishReason()) {
      case TIMEOUT ->
          new TimeoutException(
              "request %s: its deadline passed after %d tokens"
                  .formatted(result.id(), result.outputTokens()));
      case CANCELLED ->
          new NonRetriableException(
              "request %s was cancelled after %d tokens"
                  .formatted(result.id(), result.outputTokens()));
      default ->
          map(result.failure().orElseGet(() -> new IllegalStateException(result.id() + " failed")));
    };
  }
}
