package dev.s3llm.examples.speech.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ResamplerTest {
  private static final int RATE = 16_000;

  /** Output samples at both ends that see zeros in place of the tone. */
  private static final int EDGE = 200;

  @ParameterizedTest
  @CsvSource({
    "8000, 3400",
    "11025, 1000",
    "22050, 7000",
    "32000, 7300",
    "44100, 440",
    "44100, 7300",
    "47999, 3000",
    "48000, 7300"
  })
  void toneInTheBand_staysTheSameTone(int from, double hertz) {
    Recording result = Resampler.resample(tone(from, hertz), RATE);

    assertThat(result.sampleRate()).isEqualTo(RATE);
    assertThat(decibels(result, tone(RATE, hertz))).isLessThan(-75);
  }

  @ParameterizedTest
  @CsvSource({"22050, 9000", "44100, 8300", "44100, 15000", "48000, 8300", "48000, 23000"})
  void toneAboveTheBand_isRemoved(int from, double hertz) {
    Recording result = Resampler.resample(tone(from, hertz), RATE);

    assertThat(decibels(result, new Recording(RATE, new float[RATE]))).isLessThan(-75);
  }

  @ParameterizedTest
  @ValueSource(ints = {8_000, 11_025, 44_100, 48_000})
  void constant_keepsItsValue(int from) {
    float[] ones = new float[from];
    Arrays.fill(ones, 0.5f);
    float[] result = Resampler.resample(new Recording(from, ones), RATE).samples();

    for (int i = EDGE; i < result.length - EDGE; i++) {
      assertThat(result[i]).isBetween(0.49995f, 0.50005f);
    }
  }

  @Test
  void sameRate_isTheSameRecording() {
    Recording recording = tone(RATE, 440);

    assertThat(Resampler.resample(recording, RATE)).isSameAs(recording);
  }

  @ParameterizedTest
  @CsvSource({"8000, 1, 2", "48000, 1, 1", "48000, 4, 2", "44100, 44100, 16000", "16000, 0, 0"})
  void length_isRoundedUp(int from, int samples, int expected) {
    assertThat(Resampler.resample(new Recording(from, new float[samples]), RATE).samples())
        .hasSize(expected);
  }

  @Test
  void rateZero_isRefused() {
    assertThatThrownBy(() -> Resampler.resample(tone(RATE, 440), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("sampleRate 0 is not positive");
  }

  private static Recording tone(int rate, double hertz) {
    float[] samples = new float[rate];
    for (int i = 0; i < rate; i++) {
      samples[i] = (float) (0.5 * Math.sin(2 * Math.PI * hertz * i / rate));
    }
    return new Recording(rate, samples);
  }

  /** Returns the energy of the difference, compared with that of the tone. */
  private static double decibels(Recording result, Recording expected) {
    assertThat(result.samples()).hasSameSizeAs(expected.samples());
    double sum = 0;
    int count = 0;
    for (int i = EDGE; i < expected.samples().length - EDGE; i++) {
      double difference = result.samples()[i] - expected.samples()[i];
      sum += difference * difference;
      count++;
    }
    return 10 * Math.log10(sum / count / 0.125);
  }
}
