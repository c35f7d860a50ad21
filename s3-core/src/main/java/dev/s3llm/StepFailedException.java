package dev.s3llm;

/**
 * The step that the request was in failed, and with it all requests of its batch: the executor
 * threw, ran out of memory, or broke its protocol.
 */
public final class StepFailedException extends RetriableFailureException {
  private static final long serialVersionUID = 1L;

  StepFailedException(String requestId, Throwable cause) {
    super(requestId, "its step failed", cause);
  }
}
