package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An error that the device cannot recover from leaves no request waiting. It breaks the GPU for the
 * whole process, so this test needs one of its own.
 */
@GpuTest
@Tag("breaks-gpu")
class CudaLostTest {
  private static final int ILLEGAL_BLOCK = 1 << 29;

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void lostGpu_failsEveryRequestAndRefusesNewOnes() {
    JCudaExecutor executor =
        RandomModels.unchecked(RandomModels.llama(2), 64L << 20, 64L << 20).build();
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      List<Generation> generations = new ArrayList<>();
      for (GenerationRequest request : CudaEngineTest.requests()) {
        generations.add(engine.submit(request));
      }
      HandDrivenSequence wild =
          new HandDrivenSequence(1, new int[] {1}, SamplingParameters.GREEDY, ILLEGAL_BLOCK);
      assertThatThrownBy(() -> executor.execute(wild.chunk(1).alone()).toCompletableFuture().join())
          .hasCauseInstanceOf(ExecutorLostException.class)
          .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
      int failed = 0;
      for (Generation generation : generations) {
        failed += generation.result().join().finishReason() == FinishReason.FAILED ? 1 : 0;
      }
      assertThat(failed).isPositive();
      assertThat(engine.snapshot().healthy()).isFalse();
      assertThat(engine.snapshot().requests().running()).isZero();
      assertThat(engine.snapshot().requests().waiting()).isZero();
    }
  }
}
