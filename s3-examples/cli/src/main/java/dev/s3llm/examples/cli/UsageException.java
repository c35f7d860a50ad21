package dev.s3llm.examples.cli;

/**
 * The user asked for something impossible; the message names the option, its value and the limit.
 */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
