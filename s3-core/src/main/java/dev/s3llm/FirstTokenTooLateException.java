package dev.s3llm;

import java.time.Duration;

/**
 * The first token was not expected within the request's limit ({@link
 * GenerationRequest.Builder#firstTokenWithin}), so that it was not queued. Comes as the failure of
 * its result, because the expectation rests on the predicted length.
 */
public final class FirstTokenTooLateException extends RetriableRefusalException {
  private static final long serialVersionUID = 1L;

  private final Duration expected;
  private final Duration limit;

  FirstTokenTooLateException(String requestId, Duration expected, Duration limit) {
    super(
        requestId,
        "its first token is expected after %s, but firstTokenWithin is %s; retry after %s"
            .formatted(expected, limit, expected.minus(limit)));
    this.expected = expected;
    this.limit = limit;
  }

  /** From submission to the first token, as expected. */
  public Duration expected() {
    return expected;
  }

  /** After how long the same request should be in time, if as much is served as at present. */
  public Duration retryAfter() {
    return expected.minus(limit);
  }
}
