package dev.s3llm;

/** The same request will never be accepted by this engine. */
public abstract class FinalRefusalException extends RequestRefusedException {
  private static final long serialVersionUID = 1L;

  FinalRefusalException(String requestId, String message) {
    super(requestId, message);
  }
}
