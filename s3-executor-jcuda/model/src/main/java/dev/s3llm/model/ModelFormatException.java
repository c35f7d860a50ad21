package dev.s3llm.model;

/**
 * Thrown when a model file is missing, damaged, or of a kind that is not supported; the message
 * names the file and what is wrong.
 */
public final class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the file and what is wrong with it
   */
  public ModelFormatException(String message) {
    super(message);
  }

  /**
   * Creates the exception with its cause.
   *
   * @param message the file and what is wrong with it
   * @param cause the failure underneath
   */
  public ModelFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
