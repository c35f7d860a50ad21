package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RoundedMatrixTest {
  private static final int ROWS = 6;
  private static final int GROUP = 128;

  @ParameterizedTest
  @CsvSource({
    "INT8, 320, Q8_0",
    "INT8, 72, F16",
    "INT4, 320, Q4_0",
    "INT4, 72, F16",
    "FP8, 320, F16"
  })
  void values_areTheNearestThatTheirGroupsScaleGives(
      WeightFormat format, int columns, ElementType type) {
    float[] plain = values(columns);
    Tensor rounded = rounded(plain, columns, format);
    assertThat(rounded.type()).isEqualTo(type);
    float[] own = rounded.floats();
    for (int row = 0; row < ROWS; row++) {
      for (int from = 0; from < columns; from += GROUP) {
        int to = Math.min(columns, from + GROUP);
        float most = 0;
        for (int i = row * columns + from; i < row * columns + to; i++) {
          most = Math.max(most, Math.abs(plain[i]));
        }
        for (int i = row * columns + from; i < row * columns + to; i++) {
          double step = step(format, most, plain[i]);
          assertThat(Math.abs(own[i] - plain[i]))
              .as("%s", plain[i])
              .isLessThanOrEqualTo((float) step);
        }
      }
    }
  }

  /** The largest error of a value in a group, with the rounding of the scale to eleven bits. */
  private static double step(WeightFormat format, float most, float value) {
    double scaleError = Math.abs(value) / 1024;
    return switch (format) {
      case INT8 -> most / 127 / 2 * 1.001 + scaleError;
      case INT4 -> most / 8 * 2.5; // a narrower scale cuts the largest values off
      case FP8 -> Math.max(Math.abs(value) / 16, most / 448 / 1024) * 1.001 + scaleError;
      default -> throw new IllegalArgumentException(format.name());
    };
  }

  @Test
  void largestValue_ofEightBitsIsExactButForTheScale() {
    float[] plain = values(GROUP);
    plain[5] = -3;
    assertThat(rounded(plain, GROUP, WeightFormat.INT8).floats()[5]).isBetween(-3.003f, -2.997f);
    assertThat(rounded(plain, GROUP, WeightFormat.FP8).floats()[5]).isBetween(-3.003f, -2.997f);
  }

  /** With one outlier a narrower scale is better, though the outlier itself is then cut off. */
  @Test
  void fourBits_takeTheScaleWithTheLeastSquaredError() {
    float[] plain = new float[GROUP];
    for (int i = 0; i < GROUP; i++) {
      plain[i] = i % 2 == 0 ? 0.5f : -0.5f;
    }
    plain[0] = -4.4f; // 8 steps of 0.55, at which 0.5 is off by 0.05; best are steps of 0.55 * 0.94
    float[] own = rounded(plain, GROUP, WeightFormat.INT4).floats();
    assertThat(own[1]).isCloseTo(-0.517f, within(0.001f));
    assertThat(own[0]).isCloseTo(-4.136f, within(0.005f));
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "FP8", "INT4"})
  void zeros_stayZeros(WeightFormat format) {
    assertThat(rounded(new float[ROWS * 64], 64, format).floats()).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "FP8", "INT4"})
  void valueThatIsNotFinite_isRefused(WeightFormat format) {
    float[] plain = values(GROUP);
    plain[GROUP + 7] = Float.NaN;
    Tensor rounded = rounded(plain, GROUP, format);
    assertThatThrownBy(rounded::floats)
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("random holds NaN at element 135");
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "FP8", "INT4"})
  void anyBlocks_areThoseOfTheWhole(WeightFormat format) {
    int columns = 320;
    Tensor rounded = rounded(values(columns), columns, format);
    ByteBuffer whole = rounded.slice(0, ROWS * columns);
    for (int first = 0; first < ROWS * columns; first += 96) {
      int count = Math.min(160, ROWS * columns - first);
      ByteBuffer part = rounded.slice(first, count);
      int at = (int) rounded.type().bytes(first);
      assertThat(part).isEqualTo(whole.slice(at, (int) rounded.type().bytes(count)));
    }
  }

  private static Tensor rounded(float[] values, int columns, WeightFormat format) {
    Tensor.Slices slices =
        (first, count) -> {
          ByteBuffer bytes =
              ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
          bytes.asFloatBuffer().put(values, (int) first, count);
          return bytes;
        };
    Tensor plain = new Tensor("random", ElementType.F32, values.length, slices);
    return RoundedMatrix.of(plain, columns, format.rounded().orElseThrow());
  }

  private static float[] values(int columns) {
    Random random = new Random(columns);
    float[] values = new float[ROWS * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.02f * (1 + i / columns);
    }
    return values;
  }
}
