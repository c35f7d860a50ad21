package dev.s3llm.model.speech;

import dev.s3llm.model.speech.Decoding.Strategy;

/**
 * The rule by which a canvas is filled. Without state: what is known of a recording's text is in
 * its {@link Canvas}, so that a canvas depends on the recording, the strategy and the number of
 * passes alone.
 */
interface CanvasStrategy {
  /**
   * Prepares the canvas of a recording that has at least one character of the CTC branch.
   *
   * @param canvas an empty canvas; either opened or finished by this method, or left empty by a
   *     causal strategy
   * @param ctc the CTC branch's reading, with at least one character
   */
  void begin(Canvas canvas, CtcText ctc);

  /**
   * Applies the logits of a pass.
   *
   * @param canvas the canvas over which the pass was made
   * @param scores the logits of its rows
   */
  void fill(Canvas canvas, Scores scores);

  /**
   * Returns the number of passes that are expected to follow; 0 if unknown.
   *
   * @param canvas a canvas that is not finished
   */
  int passesLeft(Canvas canvas);

  /** Returns whether the decoder runs in its causal mode, one character after another. */
  default boolean causal() {
    return false;
  }

  /**
   * Returns the rule of a strategy.
   *
   * @param strategy its name
   */
  static CanvasStrategy of(Strategy strategy) {
    return switch (strategy) {
      case EASY_FIRST -> new EasyFirst();
      case MASK_PREDICT -> new MaskPredict();
      case MASK_CTC -> new MaskCtc();
      case LEFTMOST -> new Leftmost();
      case LEFT_TO_RIGHT -> new LeftToRight();
      case CTC -> new CtcAlone();
    };
  }
}
