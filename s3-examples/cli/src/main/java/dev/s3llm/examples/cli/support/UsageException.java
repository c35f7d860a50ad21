package dev.s3llm.examples.cli.support;

/**
 * Reports that the user's options or files cannot be used. The message names the option, its value
 * and the limit; the command line prints it and exits with code 2.
 */
public final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one line for the user
   */
  public UsageException(String message) {
    super(message);
  }
}
