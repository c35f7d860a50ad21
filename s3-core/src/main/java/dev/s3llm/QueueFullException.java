package dev.s3llm;

/** As many requests are live as the engine takes. */
public final class QueueFullException extends RetriableRefusalException {
  private static final long serialVersionUID = 1L;

  private final int limit;

  QueueFullException(String requestId, int limit) {
    super(requestId, "%d requests are live, which is the limit (maxLiveRequests)".formatted(limit));
    this.limit = limit;
  }

  /** How many requests may be live. */
  public int limit() {
    return limit;
  }
}
