package dev.s3llm.examples.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.internal.Exceptions;
import dev.s3llm.EngineClosedException;
import dev.s3llm.FinalFailureException;
import dev.s3llm.FinalRefusalException;
import dev.s3llm.GenerationResult;
import dev.s3llm.RetriableRefusalException;
import dev.s3llm.text.template.ChatTemplateException;

/**
 * Refusals and failures as LangChain4j's exceptions; ours is the cause.
 *
 * <ul>
 *   <li>Refused for now (queue full, first token too late, engine stuck): {@link
 *       RateLimitException}, which LangChain4j retries.
 *   <li>Never accepted (too long, a field out of range, a template that refuses the messages):
 *       {@link InvalidRequestException}.
 *   <li>The engine is closed, or the request failed by its own fault: {@link
 *       NonRetriableException}.
 *   <li>The deadline passed: {@link TimeoutException}.
 *   <li>The step or the engine failed: {@link InternalServerException}, which LangChain4j retries.
 * </ul>
 */
final class S3Exceptions {
  private S3Exceptions() {}

  /** What stands for a refusal or an error. */
  static LangChain4jException map(Throwable error) {
    Throwable cause = Exceptions.unwrapCompletionException(error);
    if (cause instanceof LangChain4jException known) {
      return known;
    }
    if (cause instanceof RetriableRefusalException) {
      return new RateLimitException(cause);
    }
    if (cause instanceof EngineClosedException || cause instanceof FinalFailureException) {
      return new NonRetriableException(cause);
    }
    if (cause instanceof FinalRefusalException
        || cause instanceof ChatTemplateException
        || cause instanceof IllegalArgumentException) {
      return new InvalidRequestException(cause);
    }
    return new InternalServerException(cause);
  }

  /** What stands for a generation that did not end by itself. */
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
