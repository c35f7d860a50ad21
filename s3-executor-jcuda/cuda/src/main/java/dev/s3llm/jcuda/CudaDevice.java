package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import java.util.List;

/**
 * A CUDA device of this machine.
 *
 * @param ordinal number of the device, from 0; what {@link JCudaExecutor.Builder#devices} takes
 * @param name name of the product
 * @param computeCapability ten times the major version plus the minor version, such as 90
 * @param memoryBytes total device memory in bytes
 */
public record CudaDevice(int ordinal, String name, int computeCapability, long memoryBytes) {

  /**
   * Returns the devices of this machine, in the order of their numbers; may be empty.
   *
   * @throws IllegalStateException if no CUDA driver is installed or the driver does not start; the
   *     message names the reason
   */
  public static List<CudaDevice> list() {
    return Device.list().stream()
        .map(
            device ->
                new CudaDevice(
                    device.ordinal(),
                    device.name(),
                    device.computeCapability(),
                    device.memoryBytes()))
        .toList();
  }
}
