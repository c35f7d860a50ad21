package dev.s3llm.engine.sequence;

/**
 * Why a sequence failed.
 *
 * @param kind what failed
 * @param cause what was thrown
 */
public record Failure(Kind kind, Throwable cause) {

  /** What failed. */
  public enum Kind {
    /** The sequence was refused after its submission; the cause is the refusal. */
    REFUSED,
    /** The sequence itself: its sampler or its callback threw. */
    REQUEST,
    /** A step that the sequence took part in. */
    STEP,
    /** The engine or its executor, which cannot continue. */
    LOST,
    /** The engine, which made no progress for too long. */
    STUCK
  }
}
