package dev.s3llm.cpu;

import dev.s3llm.model.speech.SpeechConfig;
import java.util.List;

/**
 * The weights of a speech model in the heap, all widened to floats: a model of this kind is small,
 * and most of its products have many rows.
 *
 * @param subsampling from features to frames
 * @param encoder layers of the encoder
 * @param encoderNorm norm of the encoder's result
 * @param ctc {@code [vocabulary][hidden]}, with bias
 * @param decoder the decoder
 */
record CpuSpeechWeights(
    Subsampling subsampling,
    List<EncoderLayer> encoder,
    Norm encoderNorm,
    CpuMatrix ctc,
    Decoder decoder) {

  /** A LayerNorm. */
  @SuppressWarnings("ArrayRecordComponent") // shared, never compared
  record Norm(float[] scale, float[] bias) {}

  /** Two convolutions, and the projection of {@code [band][channel]} to the hidden size. */
  record Subsampling(StridedConvolution first, StridedConvolution second, CpuMatrix projection) {}

  /** An attention part; the norm is of the queries' side. */
  record Attention(Norm norm, CpuMatrix query, CpuMatrix key, CpuMatrix value, CpuMatrix output) {}

  /** A feed-forward part. */
  record FeedForward(Norm norm, CpuMatrix up, CpuMatrix down) {}

  /** A convolution part. */
  record Convolution(
      Norm norm,
      CpuMatrix expand,
      DepthwiseConvolution depthwise,
      Norm depthwiseNorm,
      CpuMatrix output) {}

  /** A layer of the encoder. */
  record EncoderLayer(Attention attention, Convolution convolution, FeedForward feedForward) {}

  /** A layer of the decoder. */
  record DecoderLayer(Attention self, Attention cross, FeedForward feedForward) {}

  /**
   * The decoder.
   *
   * @param embedding {@code [vocabulary][hidden]}
   * @param modes {@code [2][hidden]}, of the masked and of the causal mode
   * @param layers its layers
   * @param norm norm of the result
   * @param head {@code [vocabulary][hidden]}, with bias
   */
  @SuppressWarnings("ArrayRecordComponent") // shared, never compared
  record Decoder(
      float[] embedding, float[] modes, List<DecoderLayer> layers, Norm norm, CpuMatrix head) {}

  /** Returns the number of bands of a frame after a convolution of stride 2. */
  static int halved(int bands) {
    return (bands + 1) / 2;
  }

  /** Returns the multiplications of the encoder for one frame, without its attention's scores. */
  static long productsPerFrame(SpeechConfig config) {
    long hidden = config.hiddenSize();
    long layer = hidden * (7 * hidden + config.depthwiseKernel() + 2L * config.intermediateSize());
    long channels = config.subsamplingChannels();
    long bands = halved(halved(config.melBands()));
    long subsampling = bands * channels * (16 * 9 / 4 + 9 * channels + hidden);
    return config.encoderLayers() * layer + subsampling;
  }

  /** Returns the multiplications of the decoder for one row, without its attention's scores. */
  static long productsPerRow(SpeechConfig config) {
    long hidden = config.hiddenSize();
    return config.decoderLayers() * hidden * (8 * hidden + 2L * config.intermediateSize());
  }

  /** Returns roughly the bytes of heap that the weights take: most are used once for each row. */
  static long bytes(SpeechConfig config) {
    return Float.BYTES * (productsPerFrame(config) + productsPerRow(config));
  }
}
