package dev.s3llm.examples.speech.transcribe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LengthEstimatorTest {

  @Test
  void anotherSpeaker_isLearnedFromTheirTexts() {
    LengthEstimator estimator = LengthEstimator.duration();
    double[] tenSeconds = {1, 10};
    double before = estimator.characters(tenSeconds);

    for (int i = 0; i < 300; i++) {
      double seconds = 1 + i % 20;
      estimator.learn(new double[] {1, seconds}, seconds, (int) Math.round(5 + 12 * seconds));
    }

    assertThat(before).isCloseTo(73, within(3.0));
    assertThat(estimator.characters(tenSeconds)).isCloseTo(125, within(2.0));
  }

  @Test
  void estimate_isNeverNegative() {
    LengthEstimator estimator = LengthEstimator.flux();

    assertThat(estimator.characters(new double[] {1, 60, 0})).isZero();
  }

  @Test
  void silence_hasNoFlux() {
    Features silence = new Features(1, new float[100 * 4], 100, 4);

    assertThat(SpectralFlux.of(silence)).isZero();
  }

  @Test
  void flux_growsWithTheSoundsThatBegin() {
    assertThat(SpectralFlux.of(pulses(10)))
        .isGreaterThan(1.8 * SpectralFlux.of(pulses(5)))
        .isPositive();
  }

  private static Features pulses(int count) {
    float[] numbers = new float[200 * 4];
    Arrays.fill(numbers, -1);
    for (int i = 0; i < count; i++) {
      for (int t = 20 * i; t < 20 * i + 10; t++) {
        Arrays.fill(numbers, 4 * t, 4 * t + 4, 1);
      }
    }
    return new Features(2, numbers, 200, 4);
  }
}
