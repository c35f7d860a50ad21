package dev.s3llm.onnx;

/**
 * Thrown when a length model cannot be used; the message names the file, the reason, and the limit
 * if one is exceeded.
 */
public final class LengthModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception without a cause.
   *
   * @param message the file and the reason
   */
  public LengthModelException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message the file and the reason
   * @param cause the failure
   */
  public LengthModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
