package dev.s3llm.engine.sequence;

import org.jspecify.annotations.Nullable;

/**
 * What the engine knows about the canvas of a sequence whose KV does not grow step by step: whether
 * it decodes on one at all, and how many passes it has made. The ids and scores on the canvas are
 * the executor's. Not thread-safe.
 */
final class Canvas {
  private final int usualPasses;

  /** Whether the sequence has a canvas; null until the executor's first report. */
  private @Nullable Boolean used;

  /** Passes since the latest admission, the one in flight included. */
  private int passes;

  private int allPasses;
  private int usedSlots;
  private int reportedAtPass;
  private int reportedLeft;

  /**
   * Creates the record of a sequence that has not reported a canvas.
   *
   * @param usualPasses passes that the executor's profile names; 0 if no canvas is expected
   */
  Canvas(int usualPasses) {
    this.usualPasses = usualPasses;
    this.reportedLeft = usualPasses;
  }

  /** Returns whether the sequence decodes on a canvas, as far as is known. */
  boolean used() {
    return used == null ? usualPasses > 0 : used;
  }

  /** Returns whether the executor has reported a canvas. */
  boolean reported() {
    return used != null && used;
  }

  /** Returns the passes since the latest admission. */
  int passes() {
    return passes;
  }

  /** Returns the passes over the sequence's life. */
  int allPasses() {
    return allPasses;
  }

  /** Returns the passes that are expected to follow, 0 or more. */
  int passesLeft() {
    return Math.max(0, reportedLeft - (passes - reportedAtPass));
  }

  /** Returns the positions to which the largest pass computed, prompt included. */
  int usedSlots() {
    return usedSlots;
  }

  /** Records that a pass starts, which computes up to this position. */
  void passStarts(int end) {
    passes++;
    allPasses++;
    usedSlots = Math.max(usedSlots, end);
  }

  /** Records that the sequence has lost its canvas and starts over. */
  void startsOver() {
    passes = 0;
    reportedAtPass = 0;
    reportedLeft = usualPasses;
  }

  /**
   * Records a result.
   *
   * @param slots whether it reports slots, which makes them a canvas
   * @param left steps left by the executor's estimate; 0 if unknown
   * @return whether the sequence goes on as was expected
   */
  boolean report(boolean slots, int left) {
    if (used == null || slots) {
      used = slots;
    }
    if (left == 0) {
      return true;
    }
    boolean expected = left == passesLeft();
    reportedAtPass = passes;
    reportedLeft = left;
    return expected;
  }
}
