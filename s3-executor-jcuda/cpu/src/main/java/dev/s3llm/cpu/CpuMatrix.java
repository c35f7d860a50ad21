package dev.s3llm.cpu;

import dev.s3llm.model.ModelWeights.Linear;
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

  /** Transposes a matrix. */
  static CpuMatrix of(Linear linear) {
    float[] transposed = new float[linear.matrix().length];
    for (int o = 0; o < linear.out(); o++) {
      for (int i = 0; i < linear.in(); i++) {
        transposed[i * linear.out() + o] = linear.matrix()[o * linear.in() + i];
      }
    }
    return new CpuMatrix(linear.in(), linear.out(), transposed, linear.bias());
  }
}
