package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.jcuda.internal.driver.BrokenDevice;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * One of two cards has an error that it cannot recover from: the executor is lost, and the other
 * card does not wait for ever. The driver reports the error on the other card too, once they access
 * each other's memory. It breaks the GPUs for the whole process.
 */
@GpuTest(devices = 2)
@Tag("breaks-gpu")
class CudaCardLostTest {
  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void lostCard_losesTheExecutor() {
    try (JCudaExecutor gpu =
        RandomModels.unchecked(RandomModels.llama(2), 64L << 20, 64L << 20).cards(0, 1).build()) {
      gpu.execute(step().chunk(1).alone()).toCompletableFuture().join();
      BrokenDevice.breakForGood(Device.open(1));
      for (int n = 0; n < 2; n++) {
        assertThatThrownBy(() -> gpu.execute(step().chunk(1).alone()).toCompletableFuture().join())
            .hasCauseInstanceOf(ExecutorLostException.class)
            .hasMessageContaining("the GPU is lost: device");
      }
    }
  }

  private static HandDrivenSequence step() {
    return new HandDrivenSequence(1, new int[] {1}, SamplingParameters.GREEDY, 4);
  }
}
