package dev.s3llm.engine.sequence;

/**
 * Why a sequence failed.
 *
 * @param kind whose fault it was
 * @param cause what was thrown
 */
public record Failure(Kind kind, Throwable cause) {

  /** Whose fault it was. */
  public enum Kind {
    /** It was refused after submission; the cause is the refusal. */
    REFUSED,
    /** Its own: its sampler or its callback threw. */
    REQUEST,
    /** The step's that it was in. */
    STEP,
    /** The engine's, or its executor's: neither can go on. */
    LOST,
    /** The engine's, which made no progress for too long. */
    STUCK
  }
}
