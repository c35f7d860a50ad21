package dev.s3llm.error;

/**
 * The failure of an executor that can run no further step, for example after an error of its
 * device. An executor completes a step with it, directly or as the cause of a {@code
 * CompletionException}; the engine then fails all live requests and refuses new ones.
 */
public final class ExecutorLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was lost
   * @param cause what failed first
   */
  public ExecutorLostException(String message, Throwable cause) {
    super(message, cause);
  }
}
