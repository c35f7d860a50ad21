package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * A CUDA device and its primary context. All calls, also those of objects that it makes, are for
 * one thread at a time, on which the device is current ({@link #makeCurrent}).
 */
public final class Device implements AutoCloseable {
  private static final int NON_BLOCKING = 1;

  /** Number of an attribute that JCuda has no name for. */
  private static final int MPS_ENABLED = 133;

  private static final String DRIVER_LIBRARY = "libcuda.so.1";

  private final CUdevice device;
  private final CUcontext context;
  private boolean closed;

  private Device(CUdevice device, CUcontext context) {
    this.device = device;
    this.context = context;
  }

  /**
   * The properties of a device.
   *
   * @param ordinal number of the device, from 0
   * @param name name of the product
   * @param computeCapability ten times the major version plus the minor version, such as 90
   * @param memoryBytes total device memory in bytes
   */
  public record Info(int ordinal, String name, int computeCapability, long memoryBytes) {}

  /**
   * Returns the devices of this machine, in the order of their numbers.
   *
   * @throws IllegalStateException if no CUDA driver is installed or it does not start; the message
   *     names the reason
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
   * @param ordinal number of the device, from 0
   * @throws DeviceException if a call of the driver fails
   * @throws IllegalStateException if no CUDA driver is installed, or the device does not exist
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

  /** Returns the first line of JCuda's message, whose rest is stack traces. */
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

  /** Returns whether kernels of this device can read and write the memory of another one. */
  public boolean canAccess(Device peer) {
    int[] can = new int[1];
    check("cuDeviceCanAccessPeer", JCudaDriver.cuDeviceCanAccessPeer(can, device, peer.device));
    return can[0] != 0;
  }

  /**
   * Lets kernels of this device, which must be current, read and write the memory of another one.
   * It stays so: other users of the two devices may need it too.
   */
  public void enableAccess(Device peer) {
    try {
      check("cuCtxEnablePeerAccess", JCudaDriver.cuCtxEnablePeerAccess(peer.context, 0));
    } catch (DeviceException e) {
      if (e.code() != CUresult.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED) {
        throw e;
      }
    }
  }

  /** Returns the name of the product. */
  public String name() {
    return name(device);
  }

  private static String name(CUdevice device) {
    byte[] name = new byte[256];
    check("cuDeviceGetName", JCudaDriver.cuDeviceGetName(name, name.length, device));
    return new String(name, StandardCharsets.UTF_8).replace("\0", "").trim();
  }

  /** Returns ten times the major version of the compute capability plus the minor version. */
  public int computeCapability() {
    return computeCapability(device);
  }

  /** Returns the number of multiprocessors. */
  public int multiprocessors() {
    return attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  }

  /**
   * Returns whether other processes may run kernels beside those of this one: the device is a part
   * of one (MIG), or clients share it (MPS).
   */
  public boolean shared() {
    return name().contains(" MIG ") || sharedByClients();
  }

  private boolean sharedByClients() {
    try {
      return attribute(device, MPS_ENABLED) != 0;
    } catch (DeviceException e) { // older drivers do not know the attribute
      return System.getenv("CUDA_MPS_PIPE_DIRECTORY") != null;
    }
  }

  /** Returns the bytes of shared memory that a block may take. */
  public int sharedBytes() {
    return attribute(
        device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
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

  /** Returns the free bytes of device memory. */
  public long freeBytes() {
    long[] free = new long[1];
    check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, new long[1]));
    return free[0];
  }

  /** Allocates device memory and sets it to zero. */
  public DeviceMemory allocate(long bytes) {
    return DeviceMemory.allocate(bytes);
  }

  /**
   * Allocates page-locked host memory.
   *
   * @throws IllegalArgumentException if {@code bytes} exceeds {@link PinnedMemory#MAX_BYTES}
   */
  public PinnedMemory allocatePinned(long bytes) {
    return PinnedMemory.allocate(bytes);
  }

  /** Creates a stream: its work runs in order, concurrently with other streams. */
  public DeviceStream newStream() {
    CUstream stream = new CUstream();
    check("cuStreamCreate", JCudaDriver.cuStreamCreate(stream, NON_BLOCKING));
    return new DeviceStream(stream);
  }

  /** Creates an event. */
  public DeviceEvent newEvent() {
    return DeviceEvent.create();
  }

  /** Releases the context. Idempotent. Memory and streams must be closed before. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuDevicePrimaryCtxRelease", JCudaDriver.cuDevicePrimaryCtxRelease(device));
    }
  }
}
