package dev.s3llm;

/**
 * The engine or its executor can go on no more, or the engine was closed over a step that did not
 * end. Another engine may serve the request; this one will not.
 */
public final class EngineLostException extends RetriableFailureException {
  private static final long serialVersionUID = 1L;

  EngineLostException(String requestId, Throwable cause) {
    super(requestId, "the engine is lost", cause);
  }
}
