package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.testing.UnreadCodes;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RoundedInputTest {
  private static final float INFINITY = Float.POSITIVE_INFINITY;

  @Test
  void row_hasOneScaleForItsLargestMagnitude() {
    float[] values = {0.5f, -448, 0.0009f, 17.1f, 260};
    float[] rounded = new float[5];
    RoundedInput.ROW.round(values, 0, 5, rounded);
    // scale 1: halves are codes, 0.0009 is less than half of the least, 2^-9
    assertThat(rounded).containsExactly(0.5f, -448, 0, 18, 256);
  }

  @Test
  void group_hasItsOwnScale() {
    float[] values = new float[200];
    values[3] = 448;
    values[130] = 0.001f;
    float[] rounded = values.clone();
    RoundedInput.GROUP.round(rounded, 0, 200, rounded);
    assertThat(rounded[3]).isEqualTo(448);
    assertThat(rounded[130]).isEqualTo(448 * (0.001f / 448));
    RoundedInput.ROW.round(values, 0, 200, values);
    assertThat(values[130]).isEqualTo(0.0009765625f * 1.0f * 2);
  }

  @Test
  void fixedScale_boundsLargerValues() {
    float[] values = {1000, -900, 3.3f};
    RoundedInput.fixed(2).round(values, 0, 3, values);
    assertThat(values).containsExactly(896, -896, 3.25f);
  }

  @Test
  void largestMagnitude_boundsTheScale() {
    float[] values = {1000, 448};
    new RoundedInput(RoundedInput.Scaling.ROW, 448).round(values, 0, 2, values);
    assertThat(values).containsExactly(448, 448);
  }

  @Test
  void row_isRoundedAlone() {
    Random random = new Random(1);
    float[] two = new float[512];
    for (int i = 0; i < two.length; i++) {
      two[i] = (float) random.nextGaussian();
    }
    two[0] = 1000;
    float[] alone = new float[512];
    RoundedInput.ROW.round(two, 256, 256, alone);
    RoundedInput.ROW.round(two, 0, 256, two);
    RoundedInput.ROW.round(two, 256, 256, two);
    for (int i = 256; i < 512; i++) {
      assertThat(two[i]).isEqualTo(alone[i]);
    }
  }

  @Test
  void errors_areAtMostASixteenthOfAValue() {
    Random random = new Random(2);
    for (int i = 0; i < 1000; i++) {
      float value = (float) Math.scalb(random.nextDouble() + 1, random.nextInt(14) - 6);
      assertThat(Math.abs(Float8.nearest(value) - value)).isLessThanOrEqualTo(value / 16);
    }
  }

  @Test
  void zerosAndNaN_stay() {
    float[] values = {0, Float.NaN, 0};
    RoundedInput.ROW.round(values, 0, 1, values);
    assertThat(values[0]).isZero();
    RoundedInput.ROW.round(values, 0, 3, values);
    assertThat(values).containsOnly(Float.NaN);
    float[] infinite = {INFINITY, 1};
    RoundedInput.ROW.round(infinite, 0, 2, infinite);
    assertThat(infinite[0]).isNaN();
  }

  @ParameterizedTest
  @EnumSource(RoundedInput.Scaling.class)
  void valueThatIsNotPositive_isRefused(RoundedInput.Scaling scaling) {
    assertThatThrownBy(() -> new RoundedInput(scaling, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be positive and finite, but is 0.0");
    assertThatThrownBy(() -> RoundedInput.fixed(INFINITY)).hasMessageContaining("Infinity");
  }

  @Test
  void otherWeightsThanFp8_areRefused() {
    assertThatThrownBy(() -> ActivationFormat.FP8.requireFor(WeightFormat.INT4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("activations is FP8, which needs weights STORED or FP8, but weights is INT4");
    ActivationFormat.FP8.requireFor(WeightFormat.FP8);
    ActivationFormat.STORED.requireFor(WeightFormat.INT4);
  }

  @Test
  void matricesWithOneInput_haveOneRounding() {
    Linear small = coded(RoundedInput.fixed(0.5f));
    Linear large = coded(RoundedInput.fixed(2));
    Linear plain = coded(null);
    ModelTensors.Layer layer =
        new InputRounding(ActivationFormat.STORED, WeightFormat.STORED)
            .layer(layer(small, large, plain));
    assertThat(layer.attention().query().input()).isEqualTo(RoundedInput.fixed(2));
    assertThat(layer.attention().value().input()).isEqualTo(RoundedInput.fixed(2));
    assertThat(layer.attention().output().input()).isNull();
    ModelTensors.Expert part = layer.feedForward().experts().get(0);
    assertThat(part.up().input()).isNull(); // gate says nothing
    assertThat(part.down().input()).isEqualTo(RoundedInput.fixed(2));
  }

  @Test
  void fp8_roundsEveryInputOfFp8Weights() {
    Linear given = coded(RoundedInput.GROUP);
    Linear plain = coded(null);
    ModelTensors.Layer asked =
        new InputRounding(ActivationFormat.FP8, WeightFormat.STORED)
            .layer(layer(given, given, plain));
    assertThat(asked.attention().query().input()).isEqualTo(RoundedInput.GROUP);
    assertThat(asked.attention().output().input()).isEqualTo(RoundedInput.ROW);
    ModelTensors.Layer rounded =
        new InputRounding(ActivationFormat.FP8, WeightFormat.FP8).layer(layer(given, given, plain));
    assertThat(rounded.attention().query().input()).isEqualTo(RoundedInput.ROW);
    assertThat(new InputRounding(ActivationFormat.WIDE, WeightFormat.FP8).none()).isTrue();
    assertThat(new InputRounding(ActivationFormat.STORED, WeightFormat.FP8).none()).isTrue();
  }

  /** A layer with plain for the attention's output and the gate. */
  private static ModelTensors.Layer layer(Linear query, Linear other, Linear plain) {
    return new ModelTensors.Layer(
        new ModelTensors.Norms(null, null, null, null),
        new ModelTensors.Attention(query, other, query, plain, null, null, null),
        new ModelTensors.Experts(null, List.of(new ModelTensors.Expert(plain, other, other))));
  }

  /** A matrix of e4m3 codes whose files say something of its input, or nothing. */
  private static Linear coded(@Nullable RoundedInput input) {
    UnreadCodes codes =
        new UnreadCodes(
            WeightFormat.FP8.rounded().orElseThrow(), Optional.empty(), Optional.ofNullable(input));
    return new Linear(1, 128, codes.tensor(128), null);
  }
}
