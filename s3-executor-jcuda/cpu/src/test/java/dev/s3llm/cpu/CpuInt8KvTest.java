package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.execute.Executor;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.ExecutorContract;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The executor's contract with KV in 8 bits: batches, chunks, swaps and shared beginnings. */
class CpuInt8KvTest extends ExecutorContract {
  private static final Path LLAMA = Path.of("../model/src/test/resources/reference/llama-gqa");
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(100, 32, 2, 4, 2, 8, 64, 256).llama(true, 3);

  @Override
  protected Executor create() {
    return builder(KvPrecision.INT8).build();
  }

  private static CpuExecutor.Builder builder(KvPrecision precision) {
    return CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1))
        .blockTokens(4)
        .kvBytes(1 << 20)
        .swapBytes(1 << 20)
        .kvPrecision(precision)
        .featureLayer(2)
        .threads(2);
  }

  @Test
  void sameMemory_holdsMoreBlocks() {
    try (CpuExecutor floats = builder(KvPrecision.FULL).build();
        CpuExecutor coded = builder(KvPrecision.INT8).build()) {
      assertThat(floats.profile().bytesPerBlock()).isEqualTo(2L * 2 * 2 * 4 * (4 * 8));
      assertThat(coded.profile().bytesPerBlock()).isEqualTo(2L * 2 * 2 * 4 * (8 + 4));
      assertThat(coded.profile().blockCount()).isEqualTo((1 << 20) / 384);
      assertThat(coded.profile().hostBlockCount()).isEqualTo((1 << 20) / 384);
      assertThat(floats.profile().blockCount()).isEqualTo((1 << 20) / 1024);
    }
  }

  @Test
  void scores_areNearThoseOfFloats() {
    int[] text = new Random(2).ints(120, 0, 256).toArray();
    try (CpuExecutor floats = CpuExecutor.builder(LLAMA).build();
        CpuExecutor coded = CpuExecutor.builder(LLAMA).kvPrecision(KvPrecision.INT8).build()) {
      double[] expected = floats.scores(text);
      double[] actual = coded.scores(text);
      assertThat(actual).isNotEqualTo(expected);
      assertThat(mean(actual)).isCloseTo(mean(expected), within(0.01));
      for (int i = 0; i < actual.length; i++) {
        assertThat(actual[i]).as("token %d", i).isCloseTo(expected[i], within(0.2));
      }
    }
  }

  private static double mean(double... values) {
    return Arrays.stream(values).average().orElseThrow();
  }
}
