package dev.s3llm.error;

/** Thrown when a trace cannot be read; the message names the line, column, value and limit. */
public final class TraceFormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what is wrong, and where
   */
  public TraceFormatException(String message) {
    super(message);
  }
}
