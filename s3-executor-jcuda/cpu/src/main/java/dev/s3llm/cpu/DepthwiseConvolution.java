package dev.s3llm.cpu;

/** A convolution over frames, of each channel by itself, with zeros beyond both ends. */
final class DepthwiseConvolution {
  /** {@code [kernel][channel]}. */
  private final float[] weights;

  private final float[] bias;
  private final int kernel;

  private DepthwiseConvolution(float[] weights, float[] bias, int kernel) {
    this.weights = weights;
    this.bias = bias;
    this.kernel = kernel;
  }

  /**
   * Creates a convolution.
   *
   * @param weights {@code [channel][kernel]}
   * @param bias {@code [channel]}
   * @param kernel number of frames that a result depends on, odd
   */
  static DepthwiseConvolution of(float[] weights, float[] bias, int kernel) {
    float[] turned = StridedConvolution.channelsLast(weights, 1, bias.length, kernel);
    return new DepthwiseConvolution(turned, bias, kernel);
  }

  /**
   * Computes the result of one frame.
   *
   * @param in {@code [frames][channel]}
   * @param frames number of frames
   * @param frame the frame
   * @param out receives the result at this frame, {@code [frames][channel]}; not {@code in}
   */
  void row(float[] in, int frames, int frame, float[] out) {
    int width = bias.length;
    int to = frame * width;
    System.arraycopy(bias, 0, out, to, width);
    int before = kernel / 2;
    int last = Math.min(kernel, frames - frame + before);
    for (int i = Math.max(0, before - frame); i < last; i++) {
      int from = (frame + i - before) * width;
      int weight = i * width;
      for (int c = 0; c < width; c++) {
        out[to + c] += weights[weight + c] * in[from + c];
      }
    }
  }
}
