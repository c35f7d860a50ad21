package dev.s3llm.model.speech;

/**
 * How a recording's text is decoded. Text is a function of the recording, the strategy and the
 * number of passes.
 *
 * @param strategy in which order positions are filled
 * @param passes number of passes over the canvas, at least 1; what the strategy does not use is
 *     ignored
 * @param leastPasses the number of passes while other requests wait for admission, chosen when the
 *     recording is encoded; {@code passes} for a fixed number
 */
public record Decoding(Strategy strategy, int passes, int leastPasses) {

  /** In which order the positions of a canvas are filled. */
  public enum Strategy {
    /** The most confident positions first; a filled position never changes. */
    EASY_FIRST,
    /** All positions at once; then the least confident are masked and filled again. */
    MASK_PREDICT,
    /** The text of the CTC branch; only characters that it was unsure of are filled, easy first. */
    MASK_CTC,
    /** The leftmost masked position of a canvas in each pass. */
    LEFTMOST,
    /** The causal mode with its cache, one character a step. */
    LEFT_TO_RIGHT,
    /** The text of the CTC branch as it is, without the decoder. */
    CTC
  }

  /** Checks the numbers. */
  public Decoding {
    if (leastPasses < 1 || passes < leastPasses) {
      throw new IllegalArgumentException(
          "passes is %d and leastPasses %d, but 1 <= leastPasses <= passes must hold"
              .formatted(passes, leastPasses));
    }
  }

  /**
   * Returns a decoding with a fixed number of passes.
   *
   * @param strategy in which order positions are filled
   * @param passes number of passes over the canvas, at least 1
   */
  public static Decoding of(Strategy strategy, int passes) {
    return new Decoding(strategy, passes, passes);
  }
}
