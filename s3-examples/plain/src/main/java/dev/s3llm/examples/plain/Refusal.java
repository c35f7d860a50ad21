package dev.s3llm.examples.plain;

import dev.s3llm.GenerationResult;
import dev.s3llm.error.FirstTokenTooLateException;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.text.ChatTemplateException;
import java.time.Duration;

/**
 * The answer to a request that gets no text.
 *
 * @param status the HTTP status
 * @param message the body, for the client
 * @param retryAfterSeconds value of the header {@code Retry-After}; 0 for no header
 */
record Refusal(int status, String message, long retryAfterSeconds) {
  private static final String SHUTTING_DOWN = "shutting down";

  /**
   * Returns the answer for a failure.
   *
   * @param failure an exception of {@code submit}, or the failure of a result
   */
  static Refusal of(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    if (failure instanceof RequestRefusedException refused) {
      return of(refused);
    }
    if (failure instanceof GenerationFailedException failed && failed.retriable()) {
      return new Refusal(503, message, 1);
    }
    if (failure instanceof IllegalStateException) { // the generator is closed
      return new Refusal(503, SHUTTING_DOWN, 0);
    }
    if (failure instanceof ChatTemplateException || failure instanceof IllegalArgumentException) {
      return new Refusal(400, message, 0);
    }
    return new Refusal(500, "failed", 0);
  }

  private static Refusal of(RequestRefusedException refused) {
    String message = String.valueOf(refused.getMessage());
    return switch (refused.reason()) {
      case FIRST_TOKEN_TOO_LATE, QUEUE_FULL -> new Refusal(429, message, retryAfter(refused));
      case ENGINE_UNHEALTHY -> new Refusal(503, message, 1);
      case ENGINE_CLOSED -> new Refusal(503, SHUTTING_DOWN, 0); // another instance may answer
      case INVALID_REQUEST, NEVER_FITS -> new Refusal(400, message, 0);
    };
  }

  private static long retryAfter(RequestRefusedException refused) {
    if (refused instanceof FirstTokenTooLateException late) {
      return secondsUp(late.retryAfter());
    }
    return refused instanceof QueueFullException full
        ? full.retryAfter().map(Refusal::secondsUp).orElse(1L)
        : 1;
  }

  /**
   * Returns the answer for a generation that ended without text.
   *
   * @param result its result
   */
  static Refusal of(GenerationResult result) {
    return switch (result.finishReason()) {
      case TIMEOUT -> new Refusal(504, "the deadline passed", 0);
      case CANCELLED -> new Refusal(503, SHUTTING_DOWN, 0);
      default -> result.failure().map(Refusal::of).orElse(new Refusal(500, "failed", 0));
    };
  }

  private static long secondsUp(Duration duration) {
    return Math.max(1, duration.plusSeconds(1).minusNanos(1).toSeconds());
  }
}
