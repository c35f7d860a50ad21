package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.internal.driver.BusyDevice;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.testkit.HandDrivenSequence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A GPU that hangs, one without memory, and steps that fail when half of them is under way. */
@GpuTest
@Timeout(120)
class CudaFaultsTest {
  private static final ModelConfig CONFIG = RandomModels.llama(2);

  @Test
  void hungGpu_isNamed_failsWhatIsPending_andServesAgainOnceItGoesOn() {
    JCudaExecutor executor = RandomModels.gpu(CONFIG).build();
    try (Device device = Device.open(0);
        S3Engine engine = S3Engine.builder(executor).stuckAfter(Duration.ofSeconds(1)).build()) {
      int[] expected = engine.submit(request()).result().join().tokens();
      try (BusyDevice busy = BusyDevice.occupy(device)) {
        Generation hung = engine.submit(request());
        await().until(() -> !engine.health().healthy());
        assertThat(engine.health().reason())
            .contains("in flight for", "thread s3-cuda-executor", "cuStreamSynchronize");
        assertThat(hung.result().join().failure())
            .get(InstanceOfAssertFactories.THROWABLE)
            .asInstanceOf(InstanceOfAssertFactories.type(GenerationFailedException.class))
            .extracting(GenerationFailedException::reason)
            .isEqualTo(GenerationFailedException.Reason.ENGINE_STUCK);
        busy.release();
      }
      await().until(() -> engine.health().healthy());
      assertThat(engine.submit(request()).result().join().tokens()).isEqualTo(expected);
      await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
    }
  }

  @Test
  void stepThatFailsHalfWay_isOverOnlyWhenItsFirstHalfIs() {
    try (Device device = Device.open(0);
        JCudaExecutor executor = RandomModels.gpu(CONFIG).devices(0, 0).build()) {
      CompletableFuture<StepResult> failing;
      try (BusyDevice busy = BusyDevice.occupy(device)) {
        failing = executor.execute(halfBad()).toCompletableFuture();
        assertThatThrownBy(() -> failing.get(1, TimeUnit.SECONDS))
            .as("its first part still writes to its blocks")
            .isInstanceOf(TimeoutException.class);
        busy.release();
      }
      assertThatThrownBy(failing::join).hasCauseInstanceOf(IndexOutOfBoundsException.class);
      int token = first(executor, sequence(3, 4, 5));
      assertThat(first(executor, sequence(4, 6, 7))).isEqualTo(token);
    }
  }

  /** Of two parts, the second has a block table that is far too long. */
  private static StepBatch halfBad() {
    return new StepBatch(
        0,
        List.of(sequence(1, 4, 5).chunk(9), sequence(2, new int[1 << 24]).chunk(9)),
        List.of(),
        List.of());
  }

  private static int first(JCudaExecutor executor, HandDrivenSequence sequence) {
    return executor.execute(sequence.chunk(9).alone()).toCompletableFuture().join().tokens()[0];
  }

  private static HandDrivenSequence sequence(long id, int... blocks) {
    return new HandDrivenSequence(id, new int[] {5, 6, 7, 8, 9}, SamplingParameters.GREEDY, blocks);
  }

  @Test
  void fullGpu_servesOnWithTheSameTokens() {
    JCudaExecutor executor = RandomModels.gpu(CONFIG).build();
    try (Device device = Device.open(0);
        S3Engine engine = S3Engine.builder(executor).build()) {
      List<DeviceMemory> all = takeAll(device);
      List<GenerationResult> full = run(engine);
      assertThatThrownBy(() -> device.allocate(1 << 20))
          .isInstanceOfSatisfying(
              DeviceException.class,
              e -> {
                assertThat(e.outOfMemory()).isTrue();
                assertThat(e.sticky()).isFalse();
              });
      all.forEach(DeviceMemory::close);
      List<GenerationResult> roomy = run(engine);
      int failed = 0;
      for (int i = 0; i < roomy.size(); i++) {
        if (full.get(i).failure().isPresent()) {
          failed++;
          assertThat(full.get(i).retriable()).isTrue();
        } else {
          assertThat(full.get(i).tokens()).isEqualTo(roomy.get(i).tokens());
        }
        assertThat(roomy.get(i).failure()).isEmpty();
      }
      assertThat(engine.health().healthy()).isTrue();
      System.out.printf("a GPU without memory: %d of %d failed%n", failed, roomy.size());
    }
  }

  private static List<GenerationResult> run(S3Engine engine) {
    List<Generation> generations = new ArrayList<>();
    CudaEngineTest.requests().forEach(request -> generations.add(engine.submit(request)));
    return generations.stream().map(generation -> generation.result().join()).toList();
  }

  /** Allocates all free memory, in ever smaller pieces until the smallest is refused. */
  private static List<DeviceMemory> takeAll(Device device) {
    List<DeviceMemory> taken = new ArrayList<>();
    long bytes = Long.highestOneBit(device.freeBytes());
    while (bytes >= 512) {
      try {
        taken.add(device.allocate(bytes));
      } catch (DeviceException e) {
        bytes /= 2;
      }
    }
    return taken;
  }

  private static GenerationRequest request() {
    return GenerationRequest.builder(new int[] {5, 6, 7, 8, 9}).maxNewTokens(40).build();
  }
}
