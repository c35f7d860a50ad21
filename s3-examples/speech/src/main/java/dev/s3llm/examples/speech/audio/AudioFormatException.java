package dev.s3llm.examples.speech.audio;

/**
 * Thrown when a recording cannot be read; the message names the file, what is wrong, and what to
 * do.
 */
public final class AudioFormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message the file, what is wrong with it, and what to do
   */
  public AudioFormatException(String message) {
    super(message);
  }
}
