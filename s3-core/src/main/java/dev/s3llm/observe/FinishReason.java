package dev.s3llm.observe;

/** How a request ended. Each request ends exactly once. */
public enum FinishReason {
  /** The model produced a stop token. */
  STOP,
  /** The output limit was reached. */
  LENGTH,
  /** The caller cancelled, or the engine closed at once. */
  CANCELLED,
  /** The deadline passed. */
  TIMEOUT,
  /** The request, its step or the engine failed; the result carries the cause. */
  FAILED;

  /** Whether the answer was cut off, so that its length says only "at least". */
  public boolean censored() {
    return this != STOP;
  }
}
