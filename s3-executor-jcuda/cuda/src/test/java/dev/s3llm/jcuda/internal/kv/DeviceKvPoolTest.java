package dev.s3llm.jcuda.internal.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.GpuTest;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import java.util.List;
import org.junit.jupiter.api.Test;

@GpuTest
class DeviceKvPoolTest {
  private static final long BLOCK_BYTES = 48L << 20;

  /** 2.3 GiB and 4.7 GiB: no byte buffer has so many, and some lengths wrap to others. */
  @Test
  void swapSpaceOfAnySize_keepsWhatGoesOut() {
    for (int hostBlocks : new int[] {1, 50, 100}) {
      try (Device device = Device.open(0);
          DeviceKvPool pool = new DeviceKvPool(device, BLOCK_BYTES, 2, hostBlocks);
          DeviceStream compute = device.newStream();
          PinnedMemory seen = device.allocatePinned(BLOCK_BYTES)) {
        for (int host = 0; host < hostBlocks; host++) {
          compute.fill(pool.blocks(), 0, host + 1, BLOCK_BYTES);
          compute.synchronize();
          step(pool, compute, List.of(new StepBatch.BlockCopy(7, 0, host)), List.of());
        }
        for (int host = 0; host < hostBlocks; host++) {
          step(pool, compute, List.of(), List.of(new StepBatch.BlockCopy(7, 1, host)));
          compute.copyOut(pool.blocks(), BLOCK_BYTES, seen.at(0), BLOCK_BYTES);
          compute.synchronize();
          assertThat(seen.view(0, BLOCK_BYTES).get(0)).isEqualTo((byte) (host + 1));
          assertThat(seen.view(BLOCK_BYTES - 1, 1).get(0)).isEqualTo((byte) (host + 1));
        }
      }
    }
  }

  @Test
  void tooMuchInOnePiece_isRefusedBeforeItIsTaken() {
    try (Device device = Device.open(0)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> device.allocatePinned(3L << 30))
          .withMessageContaining("3221225472");
    }
  }

  private static void step(
      DeviceKvPool pool,
      DeviceStream compute,
      List<StepBatch.BlockCopy> outs,
      List<StepBatch.BlockCopy> ins) {
    pool.beginStep(new StepBatch(0, List.of(), outs, ins), compute);
    pool.endStep(compute);
    compute.synchronize();
  }
}
