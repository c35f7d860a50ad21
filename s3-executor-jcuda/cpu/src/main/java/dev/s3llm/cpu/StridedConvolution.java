package dev.s3llm.cpu;

import java.util.Arrays;

/**
 * A convolution of 3 by 3 with a stride of 2, one row of zeros on all four sides, and a ReLU. The
 * values around each result are copied to a patch, and the patches are multiplied with the matrix
 * of the weights.
 */
final class StridedConvolution {
  private static final int SIDE = 3;

  /** Patches of one product: large enough for all threads, small enough for a cache. */
  private static final int PATCHES = 512;

  private final CpuMatrix weights;
  private final int channels;

  /**
   * Creates a convolution.
   *
   * @param weights {@code [out][3][3][channels]}, with bias
   * @param channels channels of the input
   */
  StridedConvolution(CpuMatrix weights, int channels) {
    this.weights = weights;
    this.channels = channels;
  }

  /** Returns weights {@code [out][channels][places]} as {@code [out][places][channels]}. */
  static float[] channelsLast(float[] weights, int out, int channels, int places) {
    float[] swapped = new float[weights.length];
    for (int o = 0; o < out; o++) {
      for (int c = 0; c < channels; c++) {
        for (int p = 0; p < places; p++) {
          swapped[(o * places + p) * channels + c] = weights[(o * channels + c) * places + p];
        }
      }
    }
    return swapped;
  }

  /**
   * Computes the convolution.
   *
   * @param kernels computes the products
   * @param in {@code [frames][bands][channels]}
   * @return half of the frames and half of the bands, both rounded up: {@code [frames][bands][out]}
   */
  float[] apply(CpuKernels kernels, float[] in, int frames, int bands) {
    int outBands = (bands + 1) / 2;
    int rows = (frames + 1) / 2 * outBands;
    float[] out = new float[Math.multiplyExact(rows, weights.out())];
    float[] patches = new float[Math.min(rows, PATCHES) * weights.in()];
    float[] results = new float[Math.min(rows, PATCHES) * weights.out()];
    for (int first = 0; first < rows; first += PATCHES) {
      int count = Math.min(PATCHES, rows - first);
      for (int i = 0; i < count; i++) {
        int row = first + i;
        fill(in, frames, bands, row / outBands, row % outBands, patches, i * weights.in());
      }
      kernels.multiply(weights, patches, count, results);
      int at = first * weights.out();
      for (int i = 0; i < count * weights.out(); i++) {
        out[at + i] = Math.max(0, results[i]);
      }
    }
    return out;
  }

  private void fill(
      float[] in, int frames, int bands, int frame, int band, float[] patches, int at) {
    int line = SIDE * channels;
    int from = Math.max(0, 2 * band - 1);
    int to = Math.min(bands, 2 * band + 2);
    int before = (from - (2 * band - 1)) * channels;
    for (int i = 0; i < SIDE; i++) {
      int t = 2 * frame + i - 1;
      int start = at + i * line;
      if (t < 0 || t >= frames || to - from < SIDE) {
        Arrays.fill(patches, start, start + line, 0);
      }
      if (t >= 0 && t < frames) {
        int source = (t * bands + from) * channels;
        System.arraycopy(in, source, patches, start + before, (to - from) * channels);
      }
    }
  }
}
