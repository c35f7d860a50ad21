package dev.s3llm;

/** The request's own fault: the same request fails again. */
public abstract class FinalFailureException extends GenerationFailedException {
  private static final long serialVersionUID = 1L;

  FinalFailureException(String requestId, String what, Throwable cause) {
    super(requestId, what, cause);
  }
}
