package dev.s3llm.text.internal.tool;

/**
 * Reads calls behind a marker, character by character, and emits their events. Created anew for
 * each marker. Not thread-safe.
 */
abstract class Recognizer {
  enum Status {
    /** More text may follow. */
    MORE,
    /** The text ends here; what follows is another part of the answer. */
    DONE,
    /** The last character does not continue the calls. */
    REJECTED
  }

  private int fed;
  private int settled;

  /** Adds a character. */
  final Status feed(char c) {
    fed++;
    return accept(c);
  }

  /** Returns the number of characters up to the end of the last complete call, 0 before it. */
  final int settled() {
    return settled;
  }

  /** Notes that a call is complete: it stays a call, whatever follows. */
  final void settle() {
    settled = fed;
  }

  /** Adds a character. */
  abstract Status accept(char c);

  /**
   * Ends the answer: the status is {@code DONE} if all calls are complete, and {@code REJECTED}
   * otherwise.
   */
  abstract Status finish();
}
