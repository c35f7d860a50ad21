package dev.s3llm;

/**
 * A request was not accepted; nothing was queued. See {@link RetriableRefusalException} and {@link
 * FinalRefusalException} for whether trying again can help.
 */
public abstract class RequestRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String requestId;

  RequestRefusedException(String requestId, String message) {
    super("request " + requestId + " refused: " + message);
    this.requestId = requestId;
  }

  /** Which request. */
  public String requestId() {
    return requestId;
  }
}
