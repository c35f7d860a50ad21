package dev.s3llm.error;

/**
 * Says that an executor can run no further step, for example after a sticky device error. The
 * engine then fails all pending requests and refuses new ones.
 */
public final class ExecutorLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates the exception with what was lost and why. */
  public ExecutorLostException(String message, Throwable cause) {
    super(message, cause);
  }
}
