package dev.s3llm.error;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The failure of a generation that was accepted and ended with {@code FinishReason.FAILED}. {@link
 * #reason()} says what failed; {@link #retriable()} says whether the same request may succeed if it
 * is submitted again. The cause is the exception that was thrown.
 */
public final class GenerationFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String requestId;
  private final Reason reason;

  /** What failed, and whether a retry may help. */
  public enum Reason {
    /** Sampling the request failed, or a callback of the request threw. A retry fails again. */
    REQUEST_FAULT(false, "its sampler or its callback threw"),
    /**
     * A step failed, and with it all requests of its batch: the executor threw, had no memory, or
     * broke its protocol.
     */
    STEP_FAILED(true, "its step failed"),
    /**
     * The engine or its executor cannot continue, or the engine was closed while a step did not
     * end. Another engine may serve the request.
     */
    ENGINE_LOST(true, "the engine is lost"),
    /**
     * The engine made no progress for twice its limit ({@code EngineBuilder.stuckAfter}); the
     * message names the thread that is stuck.
     */
    ENGINE_STUCK(true, "the engine is stuck");

    private final boolean retriable;
    private final String description;

    Reason(boolean retriable, String description) {
      this.retriable = retriable;
      this.description = description;
    }

    /** Returns whether the same request may succeed later, or on another engine. */
    public boolean retriable() {
      return retriable;
    }
  }

  /**
   * Creates the failure.
   *
   * @param requestId the id of the request that failed
   * @param reason what failed
   * @param cause the exception that was thrown
   */
  public GenerationFailedException(String requestId, Reason reason, Throwable cause) {
    super(
        "request " + requestId + " failed: " + reason.description + ": " + messageOf(cause), cause);
    this.requestId = requestId;
    this.reason = Objects.requireNonNull(reason, "reason");
  }

  private static String messageOf(Throwable cause) {
    @Nullable String message;
    try {
      message = cause.getMessage();
    } catch (Throwable e) { // foreign code; the end of the request must be reported all the same
      message = null;
    }
    return message == null ? cause.getClass().getName() : message;
  }

  /** Returns the id of the request that failed. */
  public String requestId() {
    return requestId;
  }

  /** Returns what failed. */
  public Reason reason() {
    return reason;
  }

  /** Returns whether the same request may succeed later, or on another engine. */
  public boolean retriable() {
    return reason.retriable();
  }
}
