package dev.s3llm;

import org.jspecify.annotations.Nullable;

/**
 * Why a generation ended with {@link dev.s3llm.observe.FinishReason#FAILED}; the cause is what was
 * thrown. See {@link RetriableFailureException} and {@link FinalFailureException} for whether the
 * same request may succeed if it is submitted again.
 */
public abstract class GenerationFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String requestId;

  GenerationFailedException(String requestId, String what, Throwable cause) {
    super("request " + requestId + " failed: " + what + ": " + reason(cause), cause);
    this.requestId = requestId;
  }

  private static String reason(Throwable cause) {
    @Nullable String message;
    try {
      message = cause.getMessage();
    } catch (Throwable e) { // it is somebody else's code, and an end must be told
      message = null;
    }
    return message == null ? cause.getClass().getName() : message;
  }

  /** Which request. */
  public String requestId() {
    return requestId;
  }
}
