package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.ExecutorContract;
import dev.s3llm.testkit.HandDrivenSequence;
import org.junit.jupiter.api.Test;

class CpuExecutorTest extends ExecutorContract {
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(100, 32, 2, 4, 2, 8, 64, 256).llama(true, 3);

  @Override
  protected Executor create() {
    return builder().build();
  }

  private static CpuExecutor.Builder builder() {
    return CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1))
        .blockTokens(4)
        .kvBytes(1 << 20)
        .swapBytes(1 << 20)
        .featureLayer(2)
        .threads(2);
  }

  @Test
  void otherSeeds_giveOtherTokens() {
    assertThat(sampledWith(8)).isNotEqualTo(sampledWith(7)).isEqualTo(sampledWith(8));
  }

  @Test
  void budgetBelowOneBlock_isRefusedWithTheBytes() {
    assertThatThrownBy(
            () -> CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1)).kvBytes(100).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("kvBytes is 100")
        .hasMessageContaining("4096 bytes");
  }

  @Test
  void kvBeyondTheHeap_isRefusedWithBothNumbers() {
    long heap = Runtime.getRuntime().maxMemory();
    assertThatThrownBy(
            () -> CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1)).kvBytes(heap).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("kvBytes is " + heap)
        .hasMessageMatching(".*the heap has room for \\d{6,} bytes.*")
        .hasMessageContaining("-Xmx");
  }

  @Test
  void layerThatTheModelLacks_isRefusedWithTheLayers() {
    CpuExecutor.Builder builder = CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1));
    assertThatThrownBy(() -> builder.featureLayer(3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("featureLayer must be from 1 to 2, the layers of the model, but is 3");
    try (CpuExecutor executor = builder.kvBytes(1 << 20).build()) {
      assertThat(executor.profile().featureWidth()).isZero();
    }
  }

  @Test
  void secondCallOfASetter_isRefusedWithTheEarlierValue() {
    assertThatThrownBy(() -> builder().kvBytes(7))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("kvBytes was already set to 1048576");
    assertThatThrownBy(() -> builder().threads(3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("threads was already set to 2");
  }

  @Test
  void nullAndValuesOutOfRange_areRefusedAtOnce() {
    CpuExecutor.Builder builder = CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1));
    assertThatThrownBy(() -> builder.threadFactory(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("threadFactory must not be null");
    assertThatThrownBy(() -> builder.maxSequencesPerStep(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("maxSequencesPerStep must be at least 1, but is 0");
  }

  private static int[] sampledWith(long seed) {
    SamplingParameters sampling = new SamplingParameters(0.8, 40, 0.9, 1.1, seed);
    HandDrivenSequence sequence =
        new HandDrivenSequence(1, new int[] {5, 17, 4}, sampling, 0, 1, 2, 3, 4, 5);
    try (CpuExecutor executor = builder().build()) {
      for (int n = 0; n < 20; n++) {
        sequence.append(
            executor.execute(sequence.chunk(3).alone()).toCompletableFuture().join().tokens()[0]);
      }
    }
    return sequence.output();
  }
}
