package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.Codes.Format;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.ModelTensors.Expert;
import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.model.testing.StoredTensors;
import dev.s3llm.model.testing.UnreadCodes;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
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
  void matricesThatAreJoined_roundTheirInputAlikeOrNot() {
    Format fp8 = WeightFormat.FP8.rounded().orElseThrow();
    WeightPlan plan = new WeightPlan(false, fp8);
    Linear plain = linear(ElementType.F16, 128, 256);
    Linear rounded = new Linear(128, 256, plain.matrix(), null, RoundedInput.ROW);
    CodeFormat both = new CodeFormat(fp8, RoundedInput.ROW);
    assertThat(plan.layer(rounded).format()).isEqualTo(both);
    assertThat(parts(plan, rounded, rounded, plain))
        .containsExactly(List.of(rounded, rounded), List.of(plain));
    assertThat(plan.down(List.of(new Expert(null, rounded, rounded)))).isEqualTo(both);
    Format int8 = WeightFormat.INT8.rounded().orElseThrow();
    assertThat(new WeightPlan(false, int8).layer(rounded).format()).isEqualTo(new CodeFormat(int8));
  }

  @Test
  void joinedMatrices_takeTheBytesOfTheirFormats() {
    List<WeightPlan.Joined> joined =
        STORED.layer(
            List.of(linear(ElementType.Q4_K, 256, 256), linear(ElementType.Q6_K, 128, 256)));
    assertThat(joined.stream().map(WeightPlan.Joined::bytes))
        .containsExactly(256 * 256 * 5 / 8L, 128 * 256 * 9 / 8L);
  }

  /**
   * As llama.cpp makes Q4_K_M: 16 of 32 layers have value and down in Q6_K, and so is the output.
   */
  @Test
  void llamaOf8Billion_inQ4KM_takes6500MegabytesInPlaceOf16000() {
    ModelConfig config =
        new ModelShapes.Sizes(128_256, 4096, 32, 32, 8, 128, 14_336, 2048).llama(false);
    Pattern sixes = Pattern.compile("lm_head|\\.\\d*[02468]\\..*(v_proj|down_proj)");
    StoredTensors source =
        new StoredTensors(
            config,
            name -> sixes.matcher(name).find() ? ElementType.Q6_K : ElementType.Q4_K,
            (type, rows, columns, seed) ->
                new Tensor("none", type, (long) rows * columns, (first, count) -> null));
    ModelTensors tensors = ModelTensors.of(config, source);
    LayerRange all = new LayerRange(0, 32);
    assertThat(STORED.bytes(config, all, tensors)).isEqualTo(6_507_069_440L);
    assertThat(WeightPlan.WIDE.bytes(config, all, tensors)).isEqualTo(16_059_990_016L);
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

  @Test
  void matricesOfOneOrder_areJoined_andKeptInDensePartsAlone() {
    Linear one = ordered(1, 0, 2, 3);
    Linear same = ordered(1, 0, 2, 3);
    Linear other = ordered(3, 0, 2, 1);
    Linear natural = ordered();
    assertThat(parts(STORED, one, same, other, natural))
        .containsExactly(List.of(one, same), List.of(other), List.of(natural));
    CodeFormat format = STORED.layer(one).format();
    assertThat(STORED.order(format, one).orElseThrow()).containsExactly(1, 0, 2, 3);
    assertThat(STORED.order(format, natural)).isEmpty();
    assertThat(ROUNDED.order(ROUNDED.layer(one).format(), one)).isEmpty();
    assertThat(parts(ROUNDED, one, other)).containsExactly(List.of(one, other));
    assertThat(STORED.up(List.of(new Expert(one, same, other)))).isEqualTo(format);
    assertThat(STORED.up(List.of(new Expert(one, other, other)))).isNull();
    Expert expert = new Expert(one, one, natural);
    assertThat(STORED.up(List.of(expert, expert))).isNull();
    assertThat(STORED.down(List.of(expert, expert))).isEqualTo(format);
  }

  /** A matrix of 4 bits whose codes have an order of their own; that of the columns if none. */
  private static Linear ordered(int... order) {
    Optional<int[]> own = order.length == 0 ? Optional.empty() : Optional.of(order);
    UnreadCodes codes =
        new UnreadCodes(new Format(Kind.UNSIGNED_4, 32, Second.ZERO), own, Optional.empty());
    return new Linear(8, 32, codes.tensor(256), null);
  }

  private static Linear linear(ElementType type, int out, int in) {
    int elements = out * in;
    ByteBuffer zeros = ByteBuffer.allocate((int) type.bytes(elements));
    Tensor tensor = new Tensor("zeros", type, elements, (first, count) -> zeros);
    return new Linear(out, in, tensor, null);
  }
}
