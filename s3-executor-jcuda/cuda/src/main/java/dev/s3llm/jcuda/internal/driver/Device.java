package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * A CUDA device and its primary context. All calls, those of what it makes included, are for one
 * thread at a time that has made it current ({@link #makeCurrent}).
 */
public final class Device implements AutoCloseable {
  private static final int NON_BLOCKING = 1;
  private static final String DRIVER_LIBRARY = "libcuda.so.1";

  private final CUdevice device;
  private final CUcontext context;
  private boolean closed;

  private Device(CUdevice device, CUcontext context) {
    this.device = device;
    this.context = context;
  }

  /**
   * What a device is.
   *
   * @param computeCapability such as 90
   * @param memoryBytes in all
   */
  public record Info(int ordinal, String name, int computeCapability, long memoryBytes) {}

  /**
   * The devices of this machine, in order.
   *
   * @throws IllegalStateException if there is no CUDA driver, naming the reason
   */
  public static List<Info> list() {
    List<Info> found = new ArrayList<>();
    for (int ordinal = 0; ordinal < count(); ordinal++) {
      CUdevice device = get(ordinal);
      long[] bytes = new long[1];
      check("cuDeviceTotalMem", JCudaDriver.cuDeviceTotalMem(bytes, device));
      found.add(new Info(ordinal, name(device), computeCapability(device), bytes[0]));
    }
    return found;
  }

  /**
   * Opens a device and makes it current.
   *
   * @param ordinal 0 for the first
   * @throws DeviceException if the driver refuses
   * @throws IllegalStateException if there is no CUDA driver, or no such device
   */
  public static Device open(int ordinal) {
    int count = count();
    if (ordinal < 0 || ordinal >= count) {
      throw new IllegalStateException(
          "device %d does not exist: the driver has %d".formatted(ordinal, count));
    }
    CUdevice device = get(ordinal);
    CUcontext context = new CUcontext();
    check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
    Device opened = new Device(device, context);
    opened.makeCurrent();
    return opened;
  }

  private static int count() {
    try {
      check("cuInit", JCudaDriver.cuInit(0));
    } catch (LinkageError e) {
      throw new IllegalStateException("no CUDA driver was found: " + reason(e), e);
    } catch (DeviceException e) {
      throw new IllegalStateException("the CUDA driver does not start: " + e.getMessage(), e);
    }
    int[] count = new int[1];
    check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
    return count[0];
  }

  /** One line of JCuda's, which holds whole stack traces; a second attempt says nothing of use. */
  private static String reason(LinkageError error) {
    String message = String.valueOf(error.getMessage());
    if (message.contains(DRIVER_LIBRARY) || error instanceof NoClassDefFoundError) {
      return DRIVER_LIBRARY + ", which the NVIDIA driver brings, cannot be loaded";
    }
    return message.lines().findFirst().orElse(message);
  }

  private static CUdevice get(int ordinal) {
    CUdevice device = new CUdevice();
    check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
    return device;
  }

  /** Makes the device current on the calling thread. */
  public void makeCurrent() {
    check("cuCtxSetCurrent", JCudaDriver.cuCtxSetCurrent(context));
  }

  /** The device's name. */
  public String name() {
    return name(device);
  }

  private static String name(CUdevice device) {
    byte[] name = new byte[256];
    check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device));
    return new String(name, StandardCharsets.UTF_8).replace("\0", "").trim();
  }

  /** Compute capability, such as 90. */
  public int computeCapability() {
    return computeCapability(device);
  }

  private static int computeCapability(CUdevice device) {
    return 10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  }

  private static int attribute(CUdevice device, int which) {
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
    return DeviceMemory.allocate(bytes);
  }

  /**
   * Allocates page-locked host memory.
   *
   * @throws IllegalArgumentException if it is more than {@link PinnedMemory#MAX_BYTES}
   */
  public PinnedMemory allocatePinned(long bytes) {
    return PinnedMemory.allocate(bytes);
  }

  /** Creates a stream: what is put into it runs in order, beside other streams. */
  public DeviceStream newStream() {
    CUstream stream = new CUstream();
    check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, NON_BLOCKING));
    return new DeviceStream(stream);
  }

  /** Creates an event. */
  public DeviceEvent newEvent() {
    return DeviceEvent.create();
  }

  /** Releases the context. Idempotent. What was allocated must be closed before. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuDevicePrimaryCtxRelease", JCudaDriver.cuDevicePrimaryCtxRelease(device));
    }
  }
}
