package dev.s3llm.examples.cli;

/** Reads numbers from parts of options. */
final class Numbers {
  private Numbers() {}

  /** The number, or NaN if the text is none. */
  static double orNaN(String text) {
    try {
      return Double.parseDouble(text.strip());
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }
}
