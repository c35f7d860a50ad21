package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.testing.CodedFloats;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Columns of a matrix are the matrix's elements, whatever its format and whatever is read. */
class ColumnSlicesTest {
  private static final int WIDTH = CodesTest.WIDTH;
  private static final int CUT = WIDTH / 2;

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void bothHalves_areTheMatrix(ElementType type) {
    Tensor matrix = CodesTest.random(type);
    float[] all = raw(matrix, 0, (int) matrix.elements());
    for (int from = 0; from < WIDTH; from += CUT) {
      Tensor half = matrix.columns("half", WIDTH, from, from + CUT);
      assertThat(half.type()).isEqualTo(type);
      float[] expected = columns(all, from, from + CUT);
      assertThat(half.elements()).isEqualTo(expected.length);
      assertThat(raw(half, 0, expected.length)).containsExactly(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void anySlice_isThatOfTheColumns(ElementType type) {
    Tensor matrix = CodesTest.random(type);
    Tensor part = matrix.columns("part", WIDTH, CUT, WIDTH);
    float[] expected = columns(raw(matrix, 0, (int) matrix.elements()), CUT, WIDTH);
    int block = type.blockElements();
    int blocks = expected.length / block;
    Random random = new Random(5);
    for (int i = 0; i < 50; i++) {
      int first = random.nextInt(blocks);
      int count = random.nextInt(blocks - first + 1);
      assertThat(raw(part, first * block, count * block))
          .containsExactly(Arrays.copyOfRange(expected, first * block, (first + count) * block));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1", "Q4_K", "MXFP4"})
  void codesOfColumns_giveTheirElements(ElementType type) {
    Tensor part = CodesTest.random(type).columns("part", WIDTH, CUT, WIDTH);
    assertSame(part);
    assertSame(part.part("rows", 2L * CUT, 3L * CUT));
  }

  private static void assertSame(Tensor tensor) {
    assertThat(CodedFloats.of(tensor, CUT))
        .usingComparatorWithPrecision(0f)
        .containsExactly(tensor.floats());
  }

  @Test
  void columnsOfColumns_areThoseOfTheMatrix() {
    Tensor matrix = CodesTest.random(ElementType.Q8_0);
    float[] expected = matrix.columns("once", WIDTH, 288, 320).floats();
    Tensor twice = matrix.columns("first", WIDTH, 256, 512).columns("second", 256, 32, 64);
    assertThat(twice.floats()).containsExactly(expected);
    assertThat(twice.label()).isEqualTo("random (first) (second)");
  }

  @ParameterizedTest
  @CsvSource({"Q4_0, 16, 32", "Q4_0, 0, 48", "Q4_K, 128, 512", "MXFP4, 32, 40"})
  void cutInsideABlock_isRefused(ElementType type, int from, int to) {
    Tensor matrix = CodesTest.random(type);
    assertThatThrownBy(() -> matrix.columns("part", WIDTH, from, to))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage(
            "random: columns %d to %d of 512 would cut a group of %d elements that share a scale"
                .formatted(from, to, type.blockElements()));
  }

  @ParameterizedTest
  @CsvSource({"512, -1, 8", "512, 8, 8", "512, 8, 513", "500, 0, 8", "0, 0, 0"})
  void columnsOutsideTheMatrix_areRefused(int width, int from, int to) {
    Tensor matrix = CodesTest.random(ElementType.F32);
    assertThatThrownBy(() -> matrix.columns("part", width, from, to))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageStartingWith("random: columns " + from);
  }

  private static float[] columns(float[] all, int from, int to) {
    float[] own = new float[all.length / WIDTH * (to - from)];
    for (int i = 0; i < own.length; i++) {
      own[i] = all[i / (to - from) * WIDTH + from + i % (to - from)];
    }
    return own;
  }

  /** Reads elements, which of random bytes may be NaNs. */
  private static float[] raw(Tensor tensor, int first, int count) {
    float[] values = new float[count];
    Decoding.decode(tensor.type(), tensor.slice(first, count), values, 0, count);
    return values;
  }
}
