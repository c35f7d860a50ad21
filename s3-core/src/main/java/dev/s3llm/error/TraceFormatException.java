package dev.s3llm.error;

/** A trace cannot be read; the message names the line, the column, the value and the limit. */
public final class TraceFormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public TraceFormatException(String message) {
    super(message);
  }
}
