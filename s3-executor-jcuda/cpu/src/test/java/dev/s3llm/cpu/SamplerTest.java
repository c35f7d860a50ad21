package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final float[] LOGITS = {1, 3, 3, -2, 0};
  private static final int DRAWS = 4_000;

  @Test
  void greedy_takesTheLowestOfEqualTokens() {
    assertThat(sample(SamplingParameters.GREEDY, 1, LOGITS)).isEqualTo(1);
  }

  @Test
  void topK_keepsTheMostProbable() {
    assertThat(drawn(new SamplingParameters(5, 2, 1, 1, 1)).keySet()).isEqualTo(Set.of(1, 2));
  }

  @Test
  void topP_keepsTheSmallestSetThatReachesIt() {
    // probabilities at temperature 1: 0.062, 0.456, 0.456, 0.003, 0.023
    assertThat(drawn(new SamplingParameters(1, 0, 0.9, 1, 1)).keySet()).isEqualTo(Set.of(1, 2));
    assertThat(drawn(new SamplingParameters(1, 0, 0.4, 1, 1)).keySet()).isEqualTo(Set.of(1));
  }

  @Test
  void draws_followTheDistribution() {
    Map<Integer, Integer> counts = drawn(SamplingParameters.ofTemperature(1, 3));
    double total = Math.exp(1) + 2 * Math.exp(3) + Math.exp(-2) + 1;
    assertThat((double) counts.get(1) / DRAWS).isCloseTo(Math.exp(3) / total, offset(0.03));
    assertThat((double) counts.get(0) / DRAWS).isCloseTo(Math.exp(1) / total, offset(0.02));
  }

  @Test
  void repetitionPenalty_lowersTokensThatOccurred() {
    SamplingParameters penal = new SamplingParameters(0, 0, 1, 2, 0);
    assertThat(sample(penal, 1, LOGITS)).isEqualTo(2); // token 1 stands in the prompt: 3 / 2
    assertThat(sample(penal, 3, new float[] {-3, -4, -4, -2, -5})).isEqualTo(0); // -2 * 2
  }

  @Test
  void forbiddenTokens_haveNoProbability() {
    SamplingParameters all = SamplingParameters.ofTemperature(20, 3);
    for (int length = 1; length <= DRAWS; length++) {
      HandDrivenSequence sequence =
          new HandDrivenSequence(1, new int[length], all, 0).chunk(length).forbid(1, 4);
      assertThat(Sampler.sample(sequence, LOGITS.clone(), 0, 5)).isIn(0, 2, 3);
    }
    HandDrivenSequence greedy =
        new HandDrivenSequence(1, new int[1], SamplingParameters.GREEDY, 0).chunk(1).forbid(1, 2);
    assertThat(Sampler.sample(greedy, LOGITS.clone(), 0, 5)).isZero();
  }

  @Test
  void notANumber_failsInsteadOfGuessing() {
    assertThatThrownBy(
            () -> sample(SamplingParameters.GREEDY, 1, new float[] {1, Float.NaN, 0, 0, 0}))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("token 1");
  }

  private static Map<Integer, Integer> drawn(SamplingParameters sampling) {
    Map<Integer, Integer> counts = new HashMap<>();
    for (int length = 1; length <= DRAWS; length++) {
      int[] prompt = new int[length];
      HandDrivenSequence sequence = new HandDrivenSequence(1, prompt, sampling, 0).chunk(length);
      counts.merge(Sampler.sample(sequence, LOGITS.clone(), 0, 5), 1, Integer::sum);
    }
    return counts;
  }

  private static int sample(SamplingParameters sampling, int promptToken, float[] logits) {
    HandDrivenSequence sequence =
        new HandDrivenSequence(1, new int[] {promptToken}, sampling, 0).chunk(1);
    return Sampler.sample(sequence, logits.clone(), 0, 5);
  }
}
