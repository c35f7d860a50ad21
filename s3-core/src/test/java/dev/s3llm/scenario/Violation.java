package dev.s3llm.scenario;

/** The failure of a checker. */
final class Violation extends AssertionError {
  private static final long serialVersionUID = 1L;

  Violation(String checker, String what) {
    super(checker + ": " + what);
  }
}
