package dev.s3llm.observe;

/** How a request ended. Each request ends exactly once. */
public enum FinishReason {
  /** The model produced a stop token. */
  STOP,
  /** The answer reached its output limit. */
  LENGTH,
  /** The caller cancelled the request or its token stream, or the engine was closed at once. */
  CANCELLED,
  /** The deadline passed. */
  TIMEOUT,
  /** The request, its step or the engine failed; the result holds the cause. */
  FAILED;

  /**
   * Returns whether the answer was cut off, which is true for all reasons but {@link #STOP}. The
   * length of such an answer is only a lower bound of its full length.
   */
  public boolean censored() {
    return this != STOP;
  }
}
