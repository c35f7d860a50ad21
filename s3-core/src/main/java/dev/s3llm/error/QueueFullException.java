package dev.s3llm.error;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when the engine has no place for a further live request of the tenant: all places are
 * taken, or the free ones are kept for tenants that hold less than their share.
 */
public final class QueueFullException extends RequestRefusedException {
  private static final long serialVersionUID = 1L;

  private final int limit;
  private final @Nullable Duration retryAfter;

  /**
   * Creates the refusal.
   *
   * @param requestId the id of the refused request
   * @param limit how many requests may be live, at least 1
   * @param held how many requests of its tenant are live, 0 or more
   * @param retryAfter the expected wait of the engine's queue; null if it is not known
   */
  public QueueFullException(String requestId, int limit, int held, @Nullable Duration retryAfter) {
    super(
        requestId,
        Reason.QUEUE_FULL,
        "%d requests may be live (maxLiveRequests), and no place is free for its tenant, which holds %d%s"
            .formatted(limit, held, retryAfter == null ? "" : "; retry after " + retryAfter));
    this.limit = limit;
    this.retryAfter = retryAfter;
  }

  /** Returns how many requests may be live. */
  public int limit() {
    return limit;
  }

  /**
   * Returns the expected time until the requests that wait now have started, if the load stays as
   * it is: places are free by then. Empty before the engine has observed steps.
   */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
