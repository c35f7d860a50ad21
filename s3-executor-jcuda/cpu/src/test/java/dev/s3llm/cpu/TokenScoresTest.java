package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.testkit.HandDrivenSequence;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenScoresTest {
  private static final Path FIXTURES = Path.of("../model/src/test/resources/reference");
  private static final int[] TEXT = new Random(1).ints(70, 0, 256).toArray();

  private static CpuExecutor open(String name) {
    return CpuExecutor.builder(FIXTURES.resolve(name)).build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-gqa", "gptj"})
  void scores_areTheLogProbabilitiesOfTheEnginesLogits(String name) {
    try (CpuExecutor executor = open(name)) {
      double[] scores = executor.scores(TEXT);
      assertThat(scores).hasSize(TEXT.length - 1);
      for (int known : new int[] {1, 2, 31, 32, 33, 64, 69}) {
        float[] logits =
            executor.logits(sequence(Arrays.copyOf(TEXT, known)).chunk(Integer.MAX_VALUE).alone());
        double sum = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i])).sum();
        assertThat(scores[known - 1])
            .as("token %d", known)
            .isCloseTo(logits[TEXT[known]] - Math.log(sum), within(1e-5));
      }
    }
  }

  @Test
  void sequenceOfTheEngine_keepsItsKeysAndValues() {
    try (CpuExecutor executor = open("llama-gqa")) {
      HandDrivenSequence sequence = sequence(Arrays.copyOf(TEXT, 40));
      float[] before = executor.logits(sequence.chunk(39).alone());
      executor.scores(IntStream.range(0, 100).toArray());
      float[] after = executor.logits(sequence.chunk(Integer.MAX_VALUE).alone());
      HandDrivenSequence whole = sequence(Arrays.copyOf(TEXT, 40));
      assertThat(before).isEmpty();
      assertThat(after).isEqualTo(executor.logits(whole.chunk(Integer.MAX_VALUE).alone()));
    }
  }

  @Test
  void singleToken_hasNoScore() {
    try (CpuExecutor executor = open("llama-gqa")) {
      assertThat(executor.scores(7)).isEmpty();
    }
  }

  @Test
  void badText_isRefusedWithTheLimit() {
    CpuExecutor executor = open("llama-gqa");
    assertThatThrownBy(executor::scores)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has 0 tokens");
    assertThatThrownBy(() -> executor.scores(new int[1 << 20]))
        .hasMessageContaining("must have from 1 to ");
    assertThatThrownBy(() -> executor.scores(1, -1)).hasMessageContaining("token -1 is not in");
    executor.close();
    assertThatThrownBy(() -> executor.scores(1, 2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  private static HandDrivenSequence sequence(int... prompt) {
    return new HandDrivenSequence(
        0, prompt, SamplingParameters.GREEDY, IntStream.range(0, prompt.length / 16 + 1).toArray());
  }
}
