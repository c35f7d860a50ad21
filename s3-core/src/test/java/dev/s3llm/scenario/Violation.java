package dev.s3llm.scenario;

/** A checker found something that must not be. */
final class Violation extends AssertionError {
  private static final long serialVersionUID = 1L;

  Violation(String checker, String what) {
    super(checker + ": " + what);
  }
}
