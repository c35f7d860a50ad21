package dev.s3llm.cpu;

import dev.s3llm.model.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A matrix transposed to {@code [in][out]}, so that the inner loop of a product runs over
 * consecutive outputs, which the JIT compiler turns into vector instructions.
 */
final class CpuMatrix {
  final int in;
  final int out;
  final float[] transposed;
  final float @Nullable [] bias;

  private CpuMatrix(int in, int out, float[] transposed, float @Nullable [] bias) {
    this.in = in;
    this.out = out;
    this.transposed = transposed;
    this.bias = bias;
  }

  static CpuMatrix of(Tensor tensor, int out, int in, float @Nullable [] bias) {
    float[] matrix = tensor.floats();
    float[] transposed = new float[matrix.length];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        transposed[i * out + o] = matrix[o * in + i];
      }
    }
    return new CpuMatrix(in, out, transposed, bias);
  }

  int out() {
    return out;
  }

  int in() {
    return in;
  }

  long bytes() {
    return 4L * transposed.length;
  }

  void row(int row, float[] to, int at) {
    for (int i = 0; i < in; i++) {
      to[at + i] = transposed[i * out + row];
    }
  }
}
