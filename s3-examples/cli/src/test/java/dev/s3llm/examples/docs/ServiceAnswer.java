package dev.s3llm.examples.docs;

import dev.s3llm.GenerationResult;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.text.ChatTemplateException;

/** What a service answers. */
final class ServiceAnswer {
  private ServiceAnswer() {}

  /** Returns the status for an exception of a request's builder or of {@code submit}. */
  static int status(RuntimeException thrown) {
    if (thrown instanceof RequestRefusedException refusal) {
      return switch (refusal.reason()) {
        case QUEUE_FULL, FIRST_TOKEN_TOO_LATE -> 429; // with Retry-After
        case ENGINE_UNHEALTHY, ENGINE_CLOSED -> 503; // another instance may accept it
        case NEVER_FITS, INVALID_REQUEST -> 400;
      };
    }
    boolean fault =
        thrown instanceof IllegalArgumentException || thrown instanceof ChatTemplateException;
    return fault ? 400 : 500;
  }

  /** Returns the status for a request that has ended. */
  static int status(GenerationResult result) {
    return switch (result.finishReason()) {
      case STOP, LENGTH -> 200;
      case CANCELLED -> 499; // the client has gone
      case TIMEOUT -> 504;
      case FAILED -> failed(result);
    };
  }

  private static int failed(GenerationResult result) {
    if (result.failure().orElseThrow() instanceof RequestRefusedException tooLate) {
      return status(tooLate); // firstTokenWithin; its retryAfter() says when to try again
    }
    return result.retriable() ? 503 : 500;
  }
}
