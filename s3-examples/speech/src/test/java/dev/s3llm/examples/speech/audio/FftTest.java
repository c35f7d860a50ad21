package dev.s3llm.examples.speech.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FftTest {
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8, 512})
  void transform_equalsTheSumsOfItsDefinition(int size) {
    Random random = new Random(size);
    double[] real = random.doubles(size, -1, 1).toArray();
    double[] imaginary = random.doubles(size, -1, 1).toArray();
    double[] re = real.clone();
    double[] im = imaginary.clone();

    new Fft(size).transform(re, im);

    for (int k = 0; k < size; k++) {
      double sumRe = 0;
      double sumIm = 0;
      for (int n = 0; n < size; n++) {
        double angle = -2 * Math.PI * ((long) k * n % size) / size;
        sumRe += real[n] * Math.cos(angle) - imaginary[n] * Math.sin(angle);
        sumIm += real[n] * Math.sin(angle) + imaginary[n] * Math.cos(angle);
      }
      assertThat(re[k]).isCloseTo(sumRe, within(1e-10));
      assertThat(im[k]).isCloseTo(sumIm, within(1e-10));
    }
  }

  @Test
  void sizeThatIsNoPowerOfTwo_isRefused() {
    assertThatThrownBy(() -> new Fft(400))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("size 400 is no power of two from 2 to 2^20");
  }
}
