package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.Codes.Format;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Formats of matrices on the device, and which of them are joined. */
class WeightPlanTest {
  private static final WeightPlan STORED = new WeightPlan(true, null);
  private static final Format INT4 = new Format(Kind.UNSIGNED_4, 128, Second.NONE);
  private static final WeightPlan ROUNDED = new WeightPlan(false, INT4);

  @ParameterizedTest
  @CsvSource({
    "Q4_0, UNSIGNED_4, 32, NONE, 4.5",
    "Q4_1, UNSIGNED_4, 32, OFFSET, 5",
    "Q4_K, UNSIGNED_4, 32, OFFSET, 5",
    "Q5_0, SIGNED_8, 32, NONE, 8.5",
    "Q5_1, SIGNED_8, 32, OFFSET, 9",
    "Q5_K, SIGNED_8, 32, OFFSET, 9",
    "Q6_K, SIGNED_8, 16, NONE, 9",
    "Q8_0, SIGNED_8, 32, NONE, 8.5"
  })
  void matricesOfFiles_keepTheirCodes(
      ElementType type, Kind kind, int group, Second second, double bits) {
    Linear matrix = linear(type, 128, 256);
    CodeFormat format = new CodeFormat(new Format(kind, group, second));
    assertThat(STORED.layer(matrix).format()).isEqualTo(format);
    assertThat(STORED.output(matrix).format()).isEqualTo(format);
    assertThat(STORED.output(matrix).bytes() * 8 / (128.0 * 256)).isEqualTo(bits);
    assertThat(WeightPlan.WIDE.output(matrix).format()).isNull();
  }

  @Test
  void neighboursOfOneFormat_areJoined() {
    Linear query = linear(ElementType.Q4_K, 256, 256);
    Linear key = linear(ElementType.Q4_K, 128, 256);
    Linear value = linear(ElementType.Q6_K, 128, 256);
    Linear plain = linear(ElementType.F16, 128, 256);
    assertThat(parts(STORED, query, key, key)).containsExactly(List.of(query, key, key));
    assertThat(parts(STORED, query, key, value))
        .containsExactly(List.of(query, key), List.of(value));
    assertThat(parts(STORED, query, value, key))
        .containsExactly(List.of(query), List.of(value), List.of(key));
    assertThat(parts(STORED, query, plain, plain))
        .containsExactly(List.of(query), List.of(plain, plain));
    assertThat(parts(WeightPlan.WIDE, query, key, value))
        .containsExactly(List.of(query, key, value));
    assertThat(parts(ROUNDED, query, key, plain)).containsExactly(List.of(query, key, plain));
  }

  private static List<List<Linear>> parts(WeightPlan plan, Linear... matrices) {
    return plan.layer(List.of(matrices)).stream().map(WeightPlan.Joined::parts).toList();
  }

  @Test
  void joinedMatrices_takeTheBytesOfTheirFormats() {
    List<WeightPlan.Joined> joined =
        STORED.layer(
            List.of(linear(ElementType.Q4_K, 256, 256), linear(ElementType.Q6_K, 128, 256)));
    assertThat(joined.stream().map(WeightPlan.Joined::bytes))
        .containsExactly(256 * 256 * 5 / 8L, 128 * 256 * 9 / 8L);
  }

  @Test
  void gateAndUp_haveOneFormatOr16Bits() {
    Linear four = linear(ElementType.Q4_K, 128, 256);
    Linear six = linear(ElementType.Q6_K, 128, 256);
    assertThat(STORED.up(List.of(new Expert(four, four, six)))).isNotNull();
    assertThat(STORED.up(List.of(new Expert(six, four, six)))).isNull();
    assertThat(STORED.down(List.of(new Expert(six, four, six)))).isNotNull();
  }

  @Test
  void floatsOfFourBits_stayInExperts() {
    Linear matrix = linear(ElementType.MXFP4, 128, 256);
    Expert expert = new Expert(matrix, matrix, matrix);
    assertThat(STORED.layer(matrix).format()).isNull();
    assertThat(STORED.down(List.of(expert))).isNull();
    assertThat(STORED.down(List.of(expert, expert))).isNotNull();
  }

  @Test
  void roundedMatrices_leaveTheOutputWide() {
    Linear matrix = linear(ElementType.Q4_0, 128, 256);
    assertThat(ROUNDED.layer(matrix).format()).isEqualTo(new CodeFormat(INT4));
    assertThat(ROUNDED.output(matrix).format()).isNull();
  }

  private static Linear linear(ElementType type, int out, int in) {
    int elements = out * in;
    ByteBuffer zeros = ByteBuffer.allocate((int) type.bytes(elements));
    Tensor tensor = new Tensor("zeros", type, elements, (first, count) -> zeros);
    return new Linear(out, in, tensor, null);
  }
}
