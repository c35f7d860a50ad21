package dev.s3llm.examples.docs;

import dev.s3llm.EngineClosedException;
import dev.s3llm.EngineUnhealthyException;
import dev.s3llm.FinalRefusalException;
import dev.s3llm.GenerationResult;
import dev.s3llm.RetriableFailureException;
import dev.s3llm.RetriableRefusalException;

/** What a service answers. */
final class ServiceAnswer {
  private ServiceAnswer() {}

  static int status(RuntimeException refusal) {
    if (refusal instanceof EngineUnhealthyException || refusal instanceof EngineClosedException) {
      return 503; // another instance may take it
    }
    if (refusal instanceof RetriableRefusalException) {
      return 429; // with Retry-After
    }
    return refusal instanceof FinalRefusalException ? 400 : 500;
  }

  static int status(GenerationResult result) {
    return switch (result.finishReason()) {
      case STOP, LENGTH -> 200;
      case CANCELLED -> 499; // nobody listens any more
      case TIMEOUT -> 504;
      case FAILED -> failed(result.failure().orElseThrow());
    };
  }

  private static int failed(Throwable failure) {
    if (failure instanceof RetriableRefusalException tooLate) {
      return status(tooLate); // firstTokenWithin; its retryAfter() says when
    }
    return failure instanceof RetriableFailureException ? 503 : 500;
  }
}
