package dev.s3llm.jcuda.kernel;

import static dev.s3llm.jcuda.kernel.DeviceException.check;

import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * A CUDA device: its primary context and one stream. All calls are for threads that have made it
 * current ({@link #makeCurrent}).
 */
public final class Device implements AutoCloseable {
  private final CUdevice device;
  private final CUcontext context;
  private final CUstream stream;
  private boolean closed;

  private Device(CUdevice device, CUcontext context, CUstream stream) {
    this.device = device;
    this.context = context;
    this.stream = stream;
  }

  /**
   * Opens a device and makes it current.
   *
   * @param ordinal 0 for the first
   * @throws DeviceException if the driver refuses
   * @throws IllegalStateException if there is no CUDA driver, or no such device
   */
  public static Device open(int ordinal) {
    try {
      check("cuInit", JCudaDriver.cuInit(0));
    } catch (LinkageError e) {
      throw new IllegalStateException("no CUDA driver was found: " + e.getMessage(), e);
    }
    int[] count = new int[1];
    check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
    if (ordinal < 0 || ordinal >= count[0]) {
      throw new IllegalStateException(
          "device %d does not exist: the driver has %d".formatted(ordinal, count[0]));
    }
    CUdevice device = new CUdevice();
    check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
    CUcontext context = new CUcontext();
    check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
    check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
    CUstream stream = new CUstream();
    check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, 1)); // non-blocking
    return new Device(device, context, stream);
  }

  /** Makes the device current on the calling thread. */
  public void makeCurrent() {
    check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
  }

  /** The device's name. */
  public String name() {
    byte[] name = new byte[256];
    check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device));
    return new String(name, java.nio.charset.StandardCharsets.UTF_8).trim();
  }

  /** Compute capability, such as 90. */
  public int computeCapability() {
    return 10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  }

  private int attribute(int which) {
    int[] value = new int[1];
    check("cuDeviceGetAttribute", JCudaDriver.cuDeviceGetAttribute(value, which, device));
    return value[0];
  }

  /** Bytes of device memory that are free. */
  public long freeBytes() {
    long[] free = new long[1];
    check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, new long[1]));
    return free[0];
  }

  /** Allocates device memory, all zeros. */
  public DeviceMemory allocate(long bytes) {
    return DeviceMemory.allocate(bytes, stream);
  }

  /** Allocates page-locked host memory. */
  public PinnedMemory allocatePinned(long bytes) {
    return PinnedMemory.allocate(bytes);
  }

  /** Copies from the host to the device, in the stream's order. */
  public void copyIn(Pointer host, DeviceMemory to, long offset, long bytes) {
    check("cuMemcpyHtoDAsync", JCudaDriver.cuMemcpyHtoDAsync(to.at(offset), host, bytes, stream));
  }

  /** Copies from the device to the host, in the stream's order. */
  public void copyOut(DeviceMemory from, long offset, Pointer host, long bytes) {
    check("cuMemcpyDtoHAsync", JCudaDriver.cuMemcpyDtoHAsync(host, from.at(offset), bytes, stream));
  }

  /** Waits for all that was put into the stream. */
  public void synchronize() {
    check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
  }

  CUstream stream() {
    return stream;
  }

  /** Releases the stream and the context. Idempotent. What was allocated must be closed before. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuStreamDestroy", JCudaDriver.cuStreamDestroy(stream));
      check("cuDevicePrimaryCtxRelease", JCudaDriver.cuDevicePrimaryCtxRelease(device));
    }
  }
}
