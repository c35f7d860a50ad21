package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class HalfFloatsTest {
  @Test
  void everyHalf_survivesTheWayThereAndBack() {
    for (int half = 0; half < 1 << 16; half++) {
      float value = HalfFloats.fromHalf((short) half);
      if (Float.isNaN(value)) {
        assertThat(HalfFloats.fromHalf(HalfFloats.toHalf(value))).isNaN();
      } else {
        assertThat(HalfFloats.toHalf(value)).as("%x", half).isEqualTo((short) half);
      }
    }
  }

  @Test
  void rounding_isToTheNearestAndTiesToEven() {
    Random random = new Random(1);
    for (int i = 0; i < 200_000; i++) {
      float value = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(40) - 26));
      if (Math.abs(value) < 65504) {
        short rounded = HalfFloats.toHalf(value);
        double error = Math.abs(HalfFloats.fromHalf(rounded) - (double) value);
        for (int step = -1; step <= 1; step += 2) {
          float other = HalfFloats.fromHalf((short) (rounded + step));
          double otherError = Math.abs(other - (double) value);
          assertThat(Float.isNaN(other) || error <= otherError).as("%s", value).isTrue();
          assertThat(error == otherError && (rounded & 1) != 0).as("tie of %s", value).isFalse();
        }
      }
    }
    assertThat(HalfFloats.toHalf(65519.9f)).isEqualTo((short) 0x7BFF);
    assertThat(HalfFloats.toHalf(65520f)).isEqualTo((short) 0x7C00);
    assertThat(HalfFloats.toHalf(-1e30f)).isEqualTo((short) 0xFC00);
  }
}
