package dev.s3llm.text;

import java.util.Arrays;

/**
 * The text of a prompt, and its ranges that came from outside the template: from messages, tools,
 * documents and variables of the caller. Such a range is text, whatever it spells; a tokenizer
 * makes control tokens of the other characters alone.
 *
 * @param text the whole prompt
 * @param foreignStarts the offset of the first char of each range, ascending
 * @param foreignEnds the offset after the last char of each range, above its start and below the
 *     next start
 */
@SuppressWarnings("ArrayRecordComponent") // equals and hashCode read the contents
record RenderedPrompt(String text, int[] foreignStarts, int[] foreignEnds) {

  /**
   * Creates a prompt.
   *
   * @param text the whole prompt
   * @param ranges start, end, start, end, as offsets of chars
   */
  static RenderedPrompt of(String text, int... ranges) {
    int[] starts = new int[ranges.length / 2];
    int[] ends = new int[starts.length];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = ranges[2 * i];
      ends[i] = ranges[2 * i + 1];
    }
    return new RenderedPrompt(text, starts, ends);
  }

  /** Returns the text behind the last range that came from outside the template. */
  String ownEnd() {
    return foreignEnds.length == 0 ? text : text.substring(foreignEnds[foreignEnds.length - 1]);
  }

  /** Returns this prompt with a text behind it that counts as the template's own. */
  RenderedPrompt withOwnText(String more) {
    return new RenderedPrompt(text + more, foreignStarts, foreignEnds);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RenderedPrompt prompt
        && text.equals(prompt.text)
        && Arrays.equals(foreignStarts, prompt.foreignStarts)
        && Arrays.equals(foreignEnds, prompt.foreignEnds);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return "%s %s %s".formatted(text, Arrays.toString(foreignStarts), Arrays.toString(foreignEnds));
  }
}
