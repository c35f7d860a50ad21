package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import java.nio.charset.StandardCharsets;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/**
 * A device whose every multiprocessor is taken by a kernel that waits, so that whatever else is
 * launched hangs until it is released, or half a minute has passed.
 */
public final class BusyDevice implements AutoCloseable {
  private static final int BLOCKS = 1024;
  private static final int THREADS = 1024;
  private static final String WAIT =
      """
      .version 7.0
      .target sm_80
      .address_size 64
      .visible .entry wait_for(.param .u64 flag) {
        .reg .pred %p<3>;
        .reg .b32 %r<2>;
        .reg .b64 %d<5>;
        ld.param.u64 %d1, [flag];
        mov.u64 %d2, %globaltimer;
      AGAIN:
        ld.volatile.global.u32 %r1, [%d1];
        setp.ne.u32 %p1, %r1, 0;
        @%p1 bra END;
        mov.u64 %d3, %globaltimer;
        sub.u64 %d4, %d3, %d2;
        setp.lt.u64 %p2, %d4, 30000000000;
        @%p2 bra AGAIN;
      END:
        ret;
      }
      """;

  private final Resources resources = new Resources();
  private final PinnedMemory flag;
  private final DeviceStream stream;
  private boolean closed;

  private BusyDevice(Device device) {
    this.flag = resources.keep(device.allocatePinned(Integer.BYTES));
    this.stream = resources.keep(device.newStream());
    flag.view(0, Integer.BYTES).putInt(0, 0);
    CUmodule module = new CUmodule();
    byte[] text = (WAIT + "\0").getBytes(StandardCharsets.US_ASCII);
    check("cuModuleLoadData", JCudaDriver.cuModuleLoadData(module, text));
    resources.keep(() -> check("cuModuleUnload", JCudaDriver.cuModuleUnload(module)));
    CUfunction wait = new CUfunction();
    check("cuModuleGetFunction", JCudaDriver.cuModuleGetFunction(wait, module, "wait_for"));
    Pointer arguments = Pointer.to(Pointer.to(flag.at(0)));
    check(
        "cuLaunchKernel",
        JCudaDriver.cuLaunchKernel(
            wait, BLOCKS, 1, 1, THREADS, 1, 1, 0, stream.handle(), arguments, null));
  }

  /** Takes a device, which must be current on the calling thread. */
  public static BusyDevice occupy(Device device) {
    return new BusyDevice(device);
  }

  /** Lets the device go on; waits until it does. Idempotent. */
  public void release() {
    flag.view(0, Integer.BYTES).putInt(0, 1);
    stream.synchronize();
  }

  /** Releases it, on the thread that took it. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      release();
      resources.close();
    }
  }
}
