package dev.s3llm.onnx;

/** A length model cannot be used; the message names the file, what is wrong, and the limit. */
public final class LengthModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception without a cause. */
  public LengthModelException(String message) {
    super(message);
  }

  /** Creates an exception with the failure underneath. */
  public LengthModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
