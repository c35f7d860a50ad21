package dev.s3llm.spring;

import java.util.Objects;

/**
 * The application cannot start as it is configured. Spring Boot prints problem and action instead
 * of a stack trace.
 */
public final class S3StartException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  private final String action;

  /**
   * Creates the exception.
   *
   * @param problem the reason why the application cannot start; becomes the message
   * @param action the change that lets it start
   */
  public S3StartException(String problem, String action) {
    super(Objects.requireNonNull(problem, "problem"));
    this.action = Objects.requireNonNull(action, "action");
  }

  /**
   * Returns the change that lets the application start.
   *
   * @return a sentence for the application's developer
   */
  public String action() {
    return action;
  }
}
