package dev.s3llm.text.tool;

import java.util.List;

/**
 * Splits the text of one answer into its parts, as it arrives. The events do not depend on how the
 * text is cut into pieces, except for the cuts of the events themselves. Not thread-safe.
 */
public interface AnswerParser {
  /**
   * Adds text.
   *
   * @param piece text of any length, cut anywhere
   * @return the events that are certain now, often none
   */
  List<AnswerEvent> text(String piece);

  /**
   * Adds the text of a special token, which decoding leaves out. It counts as a marker of the
   * format, and is never part of a content.
   *
   * @param token the whole text of the token
   * @return the events that are certain now, often none
   */
  List<AnswerEvent> special(String token);

  /**
   * Ends the answer.
   *
   * @return the remaining events
   */
  List<AnswerEvent> finish();

  /** Returns whether the text so far ends in reasoning. */
  boolean inReasoning();
}
