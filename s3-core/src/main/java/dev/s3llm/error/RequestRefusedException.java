package dev.s3llm.error;

import java.util.Objects;

/**
 * Thrown when the engine does not accept a request. {@link #reason()} says why; {@link
 * #retriable()} says whether the same request may be accepted later. Where a refusal has numbers, a
 * subclass carries them. A refusal has no stack trace: it describes the request, not a place in the
 * code, and an overloaded engine creates many of them.
 */
public class RequestRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String requestId;
  private final Reason reason;

  /** Why a request was refused, and whether a retry may help. */
  public enum Reason {
    /** A field of the request is not valid for this engine; the message names it and its limits. */
    INVALID_REQUEST(false),
    /**
     * Prompt and output limit exceed what the engine can ever hold ({@link NeverFitsException}), or
     * an input exceeds what a step can compute.
     */
    NEVER_FITS(false),
    /** As many requests are live as the engine accepts ({@link QueueFullException}). */
    QUEUE_FULL(true),
    /**
     * The first token would come after the request's limit ({@link FirstTokenTooLateException}).
     */
    FIRST_TOKEN_TOO_LATE(true),
    /** The engine makes no progress at present, so it accepts nothing new. */
    ENGINE_UNHEALTHY(true),
    /** The engine was closed, or lost its executor. */
    ENGINE_CLOSED(false);

    private final boolean retriable;

    Reason(boolean retriable) {
      this.retriable = retriable;
    }

    /** Returns whether the same request may be accepted later by the same engine. */
    public boolean retriable() {
      return retriable;
    }
  }

  /**
   * Creates a refusal.
   *
   * @param requestId the id of the refused request
   * @param reason why it was refused
   * @param message what is wrong and which setting to change, without the request id
   */
  public RequestRefusedException(String requestId, Reason reason, String message) {
    super("request " + requestId + " refused: " + message, null, false, false);
    this.requestId = requestId;
    this.reason = Objects.requireNonNull(reason, "reason");
  }

  /** Returns the id of the refused request. */
  public String requestId() {
    return requestId;
  }

  /** Returns why the request was refused. */
  public Reason reason() {
    return reason;
  }

  /** Returns whether the same request may be accepted later by the same engine. */
  public boolean retriable() {
    return reason.retriable();
  }
}
