package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.cpu.CpuLogits;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.internal.driver.BusyDevice;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.testkit.ExecutorContract;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Two cards that run every layer together: contract, parity, invariance, a card that is late. */
@GpuTest(devices = 2)
@Timeout(300)
class CudaCardsTest extends ExecutorContract {
  private static final ModelConfig CONFIG = RandomModels.llama(2);

  @Override
  protected Executor create() {
    return RandomModels.gpu(CONFIG).cards(0, 1).featureLayer(1).build();
  }

  static Stream<Arguments> models() {
    return CudaInvarianceTest.models();
  }

  @ParameterizedTest
  @MethodSource("models")
  void tokens_dependOnTheRequestAlone(
      String name, ModelConfig config, Precision precision, KvPrecision kv) {
    List<int[]> oneCard;
    List<int[]> alone;
    List<int[]> together;
    try (JCudaExecutor gpu =
        RandomModels.gpu(config).precision(precision).kvPrecision(kv).build()) {
      oneCard = CudaInvarianceTest.alone(gpu);
    }
    try (JCudaExecutor gpu =
        RandomModels.gpu(config).precision(precision).kvPrecision(kv).cards(0, 1).build()) {
      alone = CudaInvarianceTest.alone(gpu);
      together = new CudaInvarianceTest.RandomDrive(gpu, 5).run();
    }
    int asOne = 0;
    for (int i = 0; i < alone.size(); i++) {
      assertThat(together.get(i)).as("%s, request %d", name, i).isEqualTo(alone.get(i));
      asOne += Arrays.equals(oneCard.get(i), alone.get(i)) ? 1 : 0;
    }
    System.out.printf(
        "%s: %d requests bitwise the same alone and together on two cards, %d as on one%n",
        name, alone.size(), asOne);
  }

  /** More rows than are pushed, and few; one key head, which both cards have. */
  @Test
  void logits_areNearTheHosts() {
    ModelConfig[] configs = {
      RandomModels.llama(8),
      RandomModels.llama(2),
      RandomModels.llama(1),
      RandomModels.gptJ(),
      RandomModels.gemma(),
      RandomModels.gptOss(),
      RandomModels.qwen3Moe()
    };
    for (ModelConfig config : configs) {
      for (WeightFormat format : List.of(WeightFormat.WIDE, WeightFormat.INT8)) {
        double worst = 0;
        double worstOfOne = 0;
        try (CpuExecutor host = RandomModels.host(config).maxTokensPerStep(256).build();
            JCudaExecutor one = RandomModels.gpu(config).weights(format).build();
            JCudaExecutor two = RandomModels.gpu(config).weights(format).cards(0, 1).build()) {
          for (int tokens : new int[] {1, 2, 7, 16, 17, 64, 150, 250}) {
            int[] prompt = new Random(tokens).ints(tokens, 0, 1000).toArray();
            float[] expected = CpuLogits.of(host, alone(prompt));
            worst = Math.max(worst, FamilyParity.error(two.logits(alone(prompt)), expected));
            worstOfOne =
                Math.max(worstOfOne, FamilyParity.error(one.logits(alone(prompt)), expected));
          }
        }
        System.out.printf(
            "%s, %d key heads, %s: worst error %.2e on two cards, %.2e on one%n",
            config.family(), config.kvHeads(), format, worst, worstOfOne);
        assertThat(worst).as("%s, %s", config, format).isLessThan(1.5 * worstOfOne + 1e-3);
      }
    }
  }

  private static StepBatch alone(int... prompt) {
    return sequence(prompt).chunk(Integer.MAX_VALUE).alone();
  }

  private static HandDrivenSequence sequence(int... prompt) {
    return new HandDrivenSequence(
        1, prompt, SamplingParameters.GREEDY, IntStream.range(0, 20).toArray());
  }

  @Test
  void lateCard_failsTheStepAndIsNamed_andTheNextStepIsServed() throws Exception {
    try (Device second = Device.open(1);
        JCudaExecutor gpu = RandomModels.gpu(CONFIG).cards(0, 1).build()) {
      int expected = token(gpu);
      second.makeCurrent();
      CompletableFuture<StepResult> late;
      try (BusyDevice busy = BusyDevice.occupy(second)) {
        late = gpu.execute(alone(5, 6, 7, 8, 9)).toCompletableFuture();
        assertThatThrownBy(() -> late.get(12, TimeUnit.SECONDS))
            .as("the second card still has the step's work")
            .isInstanceOf(TimeoutException.class);
        busy.release();
      }
      assertThatThrownBy(late::join)
          .hasCauseInstanceOf(IllegalStateException.class)
          .hasMessageContaining("card 1")
          .hasMessageContaining(
              "did not come to the sum after the attention of layer 0 within 10 s");
      assertThat(token(gpu)).isEqualTo(expected);
    }
  }

  private static int token(JCudaExecutor gpu) {
    return gpu.execute(alone(5, 6, 7, 8, 9)).toCompletableFuture().join().tokens()[0];
  }

  @Test
  void preemption_changesNoToken() {
    CudaEngineTest.requireSameTokens(
        (kvBytes, swapBytes) -> RandomModels.gpu(CONFIG, kvBytes, swapBytes).cards(0, 1).build());
  }

  @Test
  void memory_isThatOfBothCards() {
    try (JCudaExecutor one = RandomModels.gpu(CONFIG).build();
        JCudaExecutor two = RandomModels.gpu(CONFIG).cards(0, 1).build()) {
      assertThat(two.profile().bytesPerBlock()).isEqualTo(one.profile().bytesPerBlock());
      assertThat(two.profile().blockCount()).isEqualTo(one.profile().blockCount());
      assertThat(two.profile().hostBlockCount()).isEqualTo(one.profile().hostBlockCount());
    }
  }
}
