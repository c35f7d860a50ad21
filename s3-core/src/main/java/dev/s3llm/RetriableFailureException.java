package dev.s3llm;

/** Not the request's fault: the same request may succeed later, or on another engine. */
public abstract class RetriableFailureException extends GenerationFailedException {
  private static final long serialVersionUID = 1L;

  RetriableFailureException(String requestId, String what, Throwable cause) {
    super(requestId, what, cause);
  }
}
