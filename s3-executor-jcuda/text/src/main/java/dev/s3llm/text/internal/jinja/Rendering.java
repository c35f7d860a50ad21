package dev.s3llm.text.internal.jinja;

/** The text that a template wrote, and which parts of it came from outside the template. */
public final class Rendering {
  private final Text text;

  Rendering(Text text) {
    this.text = text;
  }

  /** Returns the text. */
  public String text() {
    return text.chars();
  }

  /**
   * Returns the ranges that came from outside: start, end, start, end, as offsets of chars,
   * ascending and with gaps between them.
   */
  public int[] foreignRanges() {
    return text.marks().clone();
  }
}
