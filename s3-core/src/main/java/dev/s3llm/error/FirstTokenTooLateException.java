package dev.s3llm.error;

import java.time.Duration;

/**
 * The failure of a request whose first token was not expected within its limit ({@code
 * GenerationRequest.Builder.firstTokenWithin}). The expectation depends on the predicted length,
 * which is not known at submission: so this is the failure of a result, and {@code submit} never
 * throws it.
 */
public final class FirstTokenTooLateException extends RequestRefusedException {
  private static final long serialVersionUID = 1L;

  private final Duration expected;
  private final Duration limit;

  /**
   * Creates the refusal.
   *
   * @param requestId the id of the refused request
   * @param expected the expected time from submission to the first token; above {@code limit}
   * @param limit the longest time that the request accepts, positive
   */
  public FirstTokenTooLateException(String requestId, Duration expected, Duration limit) {
    super(
        requestId,
        Reason.FIRST_TOKEN_TOO_LATE,
        "its first token is expected after %s, but firstTokenWithin is %s; retry after %s"
            .formatted(expected, limit, expected.minus(limit)));
    this.expected = expected;
    this.limit = limit;
  }

  /** Returns the expected time from submission to the first token. */
  public Duration expected() {
    return expected;
  }

  /**
   * Returns the time after which the same request should meet its limit, if the load stays as it
   * is.
   */
  public Duration retryAfter() {
    return expected.minus(limit);
  }
}
