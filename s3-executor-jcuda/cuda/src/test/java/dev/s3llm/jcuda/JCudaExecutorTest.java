package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.ExecutorContract;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Collections;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** The executor's contract, and what only a GPU can get wrong. */
@GpuTest
class JCudaExecutorTest extends ExecutorContract {
  private static final ModelConfig CONFIG = RandomModels.llama(2);

  @Override
  protected Executor create() {
    return RandomModels.gpu(CONFIG).featureLayer(1).build();
  }

  @Test
  void kvThatDoesNotFit_isRefusedWithTheBytes() {
    assertThatThrownBy(() -> RandomModels.gpu(CONFIG, 1L << 50, 64L << 20).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(String.valueOf(1L << 50))
        .hasMessageContaining("kvBytes");
  }

  @Test
  void weightsThatDoNotFit_areRefusedWithTheBytes() {
    ModelConfig large = ModelShapes.of("llama-33b");
    ModelConfig tooLarge =
        new ModelConfig(
            large.family(),
            large.vocabulary(),
            large.hiddenSize(),
            large.maxContextTokens(),
            large.norms(),
            large.attention(),
            large.scales(),
            Collections.nCopies(100 * large.layerCount(), large.layers().get(0)));
    assertThatThrownBy(
            () -> JCudaExecutor.builder(tooLarge, () -> new RandomTensors(tooLarge, 1)).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the weights of layers 0 to 5999 take")
        .hasMessageContaining("free");
  }

  @Test
  void unknownDevice_isNamed() {
    assertThatThrownBy(() -> RandomModels.gpu(CONFIG).devices(99).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("device 99 does not exist");
  }

  @Test
  void costsOfRecovery_areMeasured() {
    try (JCudaExecutor executor = RandomModels.gpu(CONFIG).build()) {
      assertThat(executor.profile().recoveryCosts().swapNanosPerBlock()).isPositive();
      assertThat(executor.profile().recoveryCosts().recomputeNanosPerToken()).isPositive();
    }
  }

  @Test
  void blockThatAnotherSequenceTook_isFoundInTheDebugMode() {
    try (JCudaExecutor executor = RandomModels.gpu(CONFIG).build()) {
      HandDrivenSequence first = sequence(1).chunk(5);
      HandDrivenSequence thief =
          new HandDrivenSequence(2, new int[] {9, 8, 7, 6, 5}, SamplingParameters.GREEDY, 4, 5, 6)
              .chunk(5);
      first.append(executor.execute(first.alone()).toCompletableFuture().join().tokens()[0]);
      executor.execute(thief.alone()).toCompletableFuture().join();
      assertThatThrownBy(
              () -> executor.execute(first.chunk(1).alone()).toCompletableFuture().join())
          .isInstanceOf(CompletionException.class)
          .hasMessageContaining("sequence 1 reads position 0")
          .hasMessageContaining("sequence 2 wrote");
    }
  }

  private static HandDrivenSequence sequence(int id) {
    return new HandDrivenSequence(
        id, new int[] {5, 6, 7, 8, 9}, SamplingParameters.GREEDY, 4, 5, 6);
  }
}
