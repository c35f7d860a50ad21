package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import java.nio.charset.StandardCharsets;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** Breaks a device for the whole process, by a kernel that ends with a fault. */
public final class BrokenDevice {
  private static final String FAULT =
      """
      .version 7.0
      .target sm_80
      .address_size 64
      .visible .entry fault() {
        trap;
      }
      """;

  private BrokenDevice() {}

  /** Breaks a device, which must be current on the calling thread. */
  public static void breakForGood(Device device) {
    device.makeCurrent();
    CUmodule module = new CUmodule();
    byte[] text = (FAULT + "\0").getBytes(StandardCharsets.US_ASCII);
    check("cuModuleLoadData", JCudaDriver.cuModuleLoadData(module, text));
    CUfunction fault = new CUfunction();
    check("cuModuleGetFunction", JCudaDriver.cuModuleGetFunction(fault, module, "fault"));
    Pointer none = null;
    check(
        "cuLaunchKernel", JCudaDriver.cuLaunchKernel(fault, 1, 1, 1, 1, 1, 1, 0, null, none, none));
    JCudaDriver.cuCtxSynchronize(); // fails
  }
}
