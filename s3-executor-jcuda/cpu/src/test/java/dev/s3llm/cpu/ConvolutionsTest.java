package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The convolutions against their definitions, written out in double precision. */
class ConvolutionsTest {
  private static final Offset<Double> NEAR = Offset.offset(1e-5);

  private final WorkerPool workers = new WorkerPool(1, Thread::new);
  private final CpuKernels kernels = new CpuKernels(new FloatKvCache(1, 1, 2, 1, 1, 0), workers);

  @ParameterizedTest
  @CsvSource({"1, 1, 1, 3", "2, 7, 1, 5", "5, 6, 3, 2", "90, 64, 4, 33"})
  void stridedConvolution_isItsDefinition(int frames, int bands, int channels, int out) {
    Tensor tensor = Matrices.random(ElementType.F32, out, 9 * channels, 1);
    float[] weights = tensor.floats(); // [out][3][3][channel]
    float[] bias = Matrices.floats(out, 2);
    float[] in = Matrices.floats(frames * bands * channels, 3);
    float[] results =
        new StridedConvolution(CpuMatrix.of(tensor, out, 9 * channels, bias), channels)
            .apply(kernels, in, frames, bands);
    int outBands = (bands + 1) / 2;
    assertThat(results).hasSize((frames + 1) / 2 * outBands * out);
    for (int r = 0; r < results.length; r++) {
      int o = r % out;
      int f = r / out % outBands;
      int t = r / out / outBands;
      double sum = bias[o];
      for (int w = 0; w < 9 * channels; w++) {
        int time = 2 * t + w / channels / 3 - 1;
        int band = 2 * f + w / channels % 3 - 1;
        if (time >= 0 && time < frames && band >= 0 && band < bands) {
          sum +=
              (double) weights[o * 9 * channels + w]
                  * in[(time * bands + band) * channels + w % channels];
        }
      }
      assertThat((double) results[r]).isCloseTo(Math.max(0, sum), NEAR);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 15", "6, 15", "40, 15", "9, 1"})
  void depthwiseConvolution_isItsDefinition(int frames, int kernel) {
    int width = 19;
    float[] weights = Matrices.floats(width * kernel, 4);
    float[] bias = Matrices.floats(width, 5);
    float[] in = Matrices.floats(frames * width, 6);
    float[] out = new float[in.length];
    DepthwiseConvolution convolution = DepthwiseConvolution.of(weights, bias, kernel);
    for (int t = 0; t < frames; t++) {
      convolution.row(in, frames, t, out);
    }
    for (int r = 0; r < out.length; r++) {
      int c = r % width;
      double sum = bias[c];
      for (int i = 0; i < kernel; i++) {
        int t = r / width + i - kernel / 2;
        sum += t < 0 || t >= frames ? 0 : (double) weights[c * kernel + i] * in[t * width + c];
      }
      assertThat((double) out[r]).isCloseTo(sum, NEAR);
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "1", "300"})
  void sinusoids_areAddedToARow(int number) {
    float[] row = {1, 2, 3, 4, 5, 6};
    new Sinusoids(4, 100).add(number, row, 1);
    assertThat((double) row[1]).isCloseTo(2 + Math.sin(number), NEAR);
    assertThat((double) row[2]).isCloseTo(3 + Math.sin(number / 10.0), NEAR);
    assertThat((double) row[3]).isCloseTo(4 + Math.cos(number), NEAR);
    assertThat((double) row[4]).isCloseTo(5 + Math.cos(number / 10.0), NEAR);
    assertThat(row[0] + row[5]).isEqualTo(7);
  }
}
