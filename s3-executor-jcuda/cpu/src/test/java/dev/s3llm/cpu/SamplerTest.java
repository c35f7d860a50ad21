package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.HashMap;
import java.util.HashSet;
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
  void allowedTokens_aloneAreDrawn_andNotThoseThatAreForbiddenToo() {
    SamplingParameters all = SamplingParameters.ofTemperature(20, 3);
    Set<Integer> drawn = new HashSet<>();
    for (int length = 1; length <= DRAWS; length++) {
      HandDrivenSequence sequence =
          new HandDrivenSequence(1, new int[length], all, 0).chunk(length).allow(0b11001).forbid(4);
      drawn.add(Sampler.sample(sequence, LOGITS.clone(), 0, 5));
    }
    assertThat(drawn).isEqualTo(Set.of(0, 3));
  }

  @Test
  void masks_reachBeyondTheFirstWord_andMissingWordsAllowNothing() {
    float[] logits = new float[200];
    logits[199] = 1;
    HandDrivenSequence sequence = one();
    assertThat(Sampler.sample(sequence.allow(0, 0, 1L << 3, 0), logits.clone(), 0, 200))
        .isEqualTo(131);
    assertThat(Sampler.sample(sequence.allow(0, 0, 0, 0b10000001), logits.clone(), 0, 200))
        .isEqualTo(199);
    assertThat(Sampler.sample(sequence.allow(0, 2), logits.clone(), 0, 200)).isEqualTo(65);
  }

  @Test
  void masksThatLeaveNothing_failInsteadOfDrawing() {
    HandDrivenSequence sequence = one().allow(0b10).forbid(1);
    assertThatThrownBy(() -> Sampler.sample(sequence, LOGITS.clone(), 0, 5))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("leave no token");
  }

  @Test
  void minP_dropsTokensBelowItsPartOfTheMostProbable_afterTheTemperature() {
    // parts of the most probable one: 0.135, 1, 1, 0.007, 0.050
    SamplingParameters one = SamplingParameters.ofTemperature(1, 1);
    assertThat(drawn(one.withMinP(0.1)).keySet()).isEqualTo(Set.of(0, 1, 2));
    assertThat(drawn(one.withMinP(0.04)).keySet()).isEqualTo(Set.of(0, 1, 2, 4));
    assertThat(drawn(one.withMinP(1)).keySet()).isEqualTo(Set.of(1, 2));
    assertThat(drawn(SamplingParameters.ofTemperature(5, 1).withMinP(0.04)).keySet()).hasSize(5);
  }

  @Test
  void minP_comesAfterTopKAndBeforeTopP() {
    // the least nucleus of 0.93 has three tokens of all, and two of those that minP leaves
    SamplingParameters nucleus = new SamplingParameters(1, 0, 0.93, 1, 1);
    assertThat(drawn(nucleus).keySet()).isEqualTo(Set.of(0, 1, 2));
    assertThat(drawn(nucleus.withMinP(0.5)).keySet()).isEqualTo(Set.of(1, 2));
    assertThat(drawn(new SamplingParameters(1, 1, 1, 1, 1).withMinP(0.1)).keySet())
        .isEqualTo(Set.of(1));
  }

  @Test
  void logitBias_comesBeforeTheRepetitionPenalty() {
    SamplingParameters penal = new SamplingParameters(0, 0, 1, 2, 0);
    float[] logits = {0, 1, 2.4f, 0, 0};
    // token 1 stands in the prompt: (1 + 4) / 2 is more than 2.4, and 1 / 2 + 4 even more
    assertThat(sample(penal.withLogitBias(Map.of(1, 4.0)), 1, logits)).isEqualTo(1);
    assertThat(sample(penal.withLogitBias(Map.of(1, 3.0)), 1, logits)).isEqualTo(2);
  }

  @Test
  void frequencyPenalty_countsTheOutputAlone() {
    SamplingParameters frequent = SamplingParameters.GREEDY.withPenalties(0, 0.5);
    float[] logits = {0, 2, 1.2f, 0, 0};
    assertThat(after(frequent, logits)).isEqualTo(1); // it stands in the prompt
    assertThat(after(frequent, logits, 1)).isEqualTo(1); // 1.5
    assertThat(after(frequent, logits, 1, 3, 1)).isEqualTo(2); // 1.0
    assertThat(after(SamplingParameters.GREEDY.withPenalties(0, -0.5), logits, 2, 2)).isEqualTo(2);
  }

  @Test
  void presencePenalty_isTheSameHoweverOften() {
    SamplingParameters present = SamplingParameters.GREEDY.withPenalties(0.7, 0);
    assertThat(after(present, new float[] {0, 2, 1.2f, 0, 0}, 1, 1, 1)).isEqualTo(1);
    assertThat(after(present, new float[] {0, 2, 1.4f, 0, 0}, 1)).isEqualTo(2);
  }

  /** Returns the token that follows an output, after a prompt of the token 1. */
  private static int after(SamplingParameters sampling, float[] logits, int... output) {
    HandDrivenSequence sequence = new HandDrivenSequence(1, new int[] {1}, sampling, 0);
    for (int token : output) {
      sequence.append(token);
    }
    return Sampler.sample(sequence.chunk(100), logits.clone(), 0, 5);
  }

  private static HandDrivenSequence one() {
    return new HandDrivenSequence(1, new int[1], SamplingParameters.GREEDY, 0).chunk(1);
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
