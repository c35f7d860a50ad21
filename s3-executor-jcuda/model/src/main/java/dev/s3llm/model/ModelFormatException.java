package dev.s3llm.model;

/** A model file is missing, damaged, or of a kind that is not supported; the message says which. */
public final class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates the exception. */
  public ModelFormatException(String message) {
    super(message);
  }

  /** Creates the exception with its cause. */
  public ModelFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
