package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.execute.StepResult.LogProbabilities;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogProbabilityRowsTest {
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(100, 32, 2, 4, 2, 8, 64, 256).llama(true, 3);

  @Test
  void values_areThoseOfTheSoftmax_equalOnesByTheLowerId() {
    float[] logits = {1, 3, -0.0f, 3, 0, Float.NEGATIVE_INFINITY};
    LogProbabilities logs = of(logits, 5, 4);
    assertThat(logs.tokens()).containsExactly(4, 1, 3, 0, 2, 4);
    double sum = Math.exp(1) + 2 * Math.exp(3) + 2;
    for (int i = 0; i < 6; i++) {
      double expected = Math.log(Math.exp(logits[logs.tokens()[i]]) / sum);
      assertThat((double) logs.values()[i]).isCloseTo(expected, within(1e-6));
    }
    assertThat(of(logits, 0, 5).values()).containsExactly(Float.NEGATIVE_INFINITY);
  }

  @Test
  void vocabularySmallerThanTheRequest_fillsUpWithNoToken() {
    LogProbabilities logs = of(new float[] {0, 0}, 3, 1);
    assertThat(logs.tokens()).containsExactly(1, 0, 1, StepResult.NO_TOKEN);
    assertThat(logs.values()[3]).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void logitThatIsNoNumber_failsTheSequence() {
    assertThatThrownBy(() -> of(new float[] {1, Float.NaN}, 1, 0))
        .isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> of(new float[] {1, Float.POSITIVE_INFINITY}, 1, 0))
        .isInstanceOf(ArithmeticException.class);
  }

  private static LogProbabilities of(float[] logits, int most, int chosen) {
    SequenceStep sequence = sequence(1, 1, 1).logProbabilities(most).chunk(1);
    LogProbabilityRows rows = new LogProbabilityRows(List.of(sequence));
    rows.set(rows.reserve(sequence), most, logits, chosen);
    return rows.addTo(StepResult.of(chosen)).logProbabilities();
  }

  @Test
  void valuesAndTokens_areBitwiseTheSameAloneInABatchAndAfterStartingOver() {
    try (CpuExecutor executor =
        CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1)).blockTokens(4).build()) {
      HandDrivenSequence alone = sequence(1, 0, 7);
      HandDrivenSequence together = sequence(1, 1, 7);
      HandDrivenSequence other = sequence(2, 2, 5).logProbabilities(2);
      for (int n = 0; n < 12; n++) {
        long[] mask = {0x5555555555555555L << n % 2, -1L};
        alone.logProbabilities(n % 4).allow(mask);
        together.logProbabilities(n % 4).allow(mask);
        if (n % 5 == 4) {
          together.startOver();
        }
        StepResult one = run(executor, alone.chunk(100));
        StepResult both = run(executor, other.chunk(100), together.chunk(100));
        int from = 3;
        assertThat(both.committed(1)).as("token %d", n).isEqualTo(one.committed(0));
        assertThat(Arrays.copyOfRange(both.logProbabilities().values(), from, from + 1 + n % 4))
            .isEqualTo(one.logProbabilities().values());
        assertThat(Arrays.copyOfRange(both.logProbabilities().tokens(), from, from + 1 + n % 4))
            .isEqualTo(one.logProbabilities().tokens());
        assertThat(one.logProbabilities().tokens()[0]).isEqualTo(one.committed(0)[0]);
        alone.apply(one, 0);
        other.apply(both, 0);
        together.apply(both, 1);
      }
    }
  }

  private static StepResult run(CpuExecutor executor, HandDrivenSequence... sequences) {
    StepBatch batch = new StepBatch(0, List.of(sequences), List.of(), List.of());
    return executor.execute(batch).toCompletableFuture().join();
  }

  private static HandDrivenSequence sequence(int id, int place, int prompt) {
    SamplingParameters sampling =
        new SamplingParameters(0.9, 50, 0.95, 0.01, 1.1, 0.4, 0.3, Map.of(7, 2.0, 11, -3.0), 5);
    int[] blocks = IntStream.range(10 * place, 10 * place + 10).toArray();
    return new HandDrivenSequence(id, IntStream.range(0, prompt).toArray(), sampling, blocks);
  }
}
