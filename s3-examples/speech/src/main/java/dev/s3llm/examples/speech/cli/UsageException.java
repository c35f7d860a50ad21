package dev.s3llm.examples.speech.cli;

/**
 * Reports that the user's options or files cannot be used. The command line prints the message and
 * exits with code 2.
 */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
