package dev.s3llm.model.speech;

/**
 * Shape of a speech model: two convolutions that take a quarter of the frames, an encoder of layers
 * with attention, convolution and feed-forward parts, a CTC branch, and a decoder that reads a
 * canvas.
 *
 * @param hiddenSize width of a frame and of a canvas position
 * @param heads attention heads; {@code heads * headSize} is the hidden size
 * @param headSize dimensions of a head, even
 * @param intermediateSize width of the feed-forward parts
 * @param encoderLayers layers of the encoder
 * @param decoderLayers layers of the decoder, which have keys and values in the KV cache
 * @param melBands mel bands of a feature frame
 * @param subsamplingChannels channels of both convolutions
 * @param depthwiseKernel frames that the convolution of an encoder layer sees, odd
 * @param normEpsilon epsilon of all LayerNorms
 * @param ropeTheta base of the rotary positions
 * @param sinusoidBase base of the sinusoids of canvas positions and of the CTC index
 * @param vocabularySize number of token ids
 * @param blankId the CTC branch's blank
 * @param endId end of the text, and the first input of the causal mode
 * @param maskId a canvas position that is not filled
 * @param firstCharacterId the least id of a character; all ids from it on are characters
 * @param maxTargetPositions the longest text that the model was trained on, in characters
 * @param canvasSmallest the first rung of the ladder of canvas sizes; each next one is doubled
 * @param canvasRoom positions that a canvas has at least beyond the estimate of the length
 */
public record SpeechConfig(
    int hiddenSize,
    int heads,
    int headSize,
    int intermediateSize,
    int encoderLayers,
    int decoderLayers,
    int melBands,
    int subsamplingChannels,
    int depthwiseKernel,
    float normEpsilon,
    double ropeTheta,
    double sinusoidBase,
    int vocabularySize,
    int blankId,
    int endId,
    int maskId,
    int firstCharacterId,
    int maxTargetPositions,
    int canvasSmallest,
    int canvasRoom) {

  /**
   * Returns the number of encoder frames of a recording: each of the two convolutions has a stride
   * of 2.
   *
   * @param featureFrames number of feature frames, 0 or more
   */
  public static int encoderFrames(int featureFrames) {
    return (featureFrames + 3) / 4;
  }

  /**
   * Returns the size of the canvas for an estimated length.
   *
   * @param estimate estimated number of characters, 0 or more
   */
  public int canvasFor(int estimate) {
    int size = canvasSmallest;
    while (size < estimate + canvasRoom) {
      size *= 2;
    }
    return size;
  }
}
