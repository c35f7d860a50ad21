package dev.s3llm.examples.plain;

import dev.s3llm.EngineClosedException;
import dev.s3llm.EngineUnhealthyException;
import dev.s3llm.FirstTokenTooLateException;
import dev.s3llm.GenerationResult;
import dev.s3llm.RequestRefusedException;
import dev.s3llm.RetriableFailureException;
import dev.s3llm.RetriableRefusalException;
import dev.s3llm.text.template.ChatTemplateException;
import java.time.Duration;

/**
 * What a service answers where there is no text.
 *
 * @param retryAfterSeconds for the header; 0 for none
 */
record Refusal(int status, String message, long retryAfterSeconds) {

  /** For what submission throws, or a result's failure. */
  static Refusal of(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    if (failure instanceof FirstTokenTooLateException late) {
      return new Refusal(429, message, secondsUp(late.retryAfter()));
    }
    if (failure instanceof EngineUnhealthyException
        || failure instanceof RetriableFailureException) {
      return new Refusal(503, message, 1);
    }
    if (failure instanceof RetriableRefusalException) {
      return new Refusal(429, message, 1);
    }
    if (failure instanceof EngineClosedException || failure instanceof IllegalStateException) {
      return new Refusal(503, "shutting down", 0); // another instance may answer
    }
    if (failure instanceof RequestRefusedException
        || failure instanceof ChatTemplateException
        || failure instanceof IllegalArgumentException) {
      return new Refusal(400, message, 0);
    }
    return new Refusal(500, "failed", 0);
  }

  /** For a generation that ended without text. */
  static Refusal of(GenerationResult result) {
    return switch (result.finishReason()) {
      case TIMEOUT -> new Refusal(504, "the deadline passed", 0);
      case CANCELLED -> new Refusal(503, "shutting down", 0);
      default -> result.failure().map(Refusal::of).orElse(new Refusal(500, "failed", 0));
    };
  }

  private static long secondsUp(Duration duration) {
    return Math.max(1, duration.plusSeconds(1).minusNanos(1).toSeconds());
  }
}
