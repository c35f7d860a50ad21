package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.jcuda.internal.driver.Divide;

/**
 * The largest step, in tiles of {@link SpeechLimits#ROWS} rows: each sequence begins a tile.
 *
 * @param maxTokens frames, or canvas positions, of a step
 * @param maxSequences sequences of a step
 * @param maxContext frames and canvas positions of a sequence
 */
public record SpeechFormat(int maxTokens, int maxSequences, int maxContext) {

  /** Returns the tiles of the largest step. */
  int tiles() {
    return Math.addExact(Divide.up(maxTokens, SpeechLimits.ROWS), maxSequences);
  }

  /** Returns the numbers of the largest {@link TileImage}. */
  int imageInts() {
    int blocks = Math.multiplyExact(maxSequences, Divide.up(maxContext, SpeechLimits.ROWS));
    return Math.addExact(
        Math.multiplyExact(tiles(), TileImage.DECODER_INTS + SpeechLimits.ROWS), blocks);
  }
}
