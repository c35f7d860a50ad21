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
   * Returns whether the template itself, or one of its own variables, wrote a whole range. Only
   * there may the characters of a control token stand for it.
   *
   * @param start offset of the first char of the range, 0 or more
   * @param end offset after its last char, at most the text's length
   */
  public boolean isOwn(int start, int end) {
    int[] marks = text.marks();
    for (int i = 0; i < marks.length; i += 2) {
      if (marks[i] < end && start < marks[i + 1]) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the ranges that came from outside: start, end, start, end, as offsets of chars,
   * ascending and with gaps between them.
   */
  public int[] foreignRanges() {
    return text.marks().clone();
  }
}
