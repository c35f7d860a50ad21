package dev.s3llm;

/** A field of the request makes no sense to this engine; the message names it and its limits. */
public final class InvalidRequestException extends FinalRefusalException {
  private static final long serialVersionUID = 1L;

  InvalidRequestException(String requestId, String message) {
    super(requestId, message);
  }
}
