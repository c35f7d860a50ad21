package dev.s3llm;

/** The same request may be accepted later. */
public abstract class RetriableRefusalException extends RequestRefusedException {
  private static final long serialVersionUID = 1L;

  RetriableRefusalException(String requestId, String message) {
    super(requestId, message);
  }
}
