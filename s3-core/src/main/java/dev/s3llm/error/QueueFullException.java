package dev.s3llm.error;

/** Thrown when the engine already has as many live requests as it accepts. */
public final class QueueFullException extends RequestRefusedException {
  private static final long serialVersionUID = 1L;

  private final int limit;

  /**
   * Creates the refusal.
   *
   * @param requestId the id of the refused request
   * @param limit how many requests may be live, at least 1
   */
  public QueueFullException(String requestId, int limit) {
    super(
        requestId,
        Reason.QUEUE_FULL,
        "%d requests are live, which is the limit (maxLiveRequests)".formatted(limit));
    this.limit = limit;
  }

  /** Returns how many requests may be live. */
  public int limit() {
    return limit;
  }
}
