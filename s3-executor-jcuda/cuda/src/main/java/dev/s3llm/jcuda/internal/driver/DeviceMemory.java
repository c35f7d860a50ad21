package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;

/** A piece of device memory. */
public final class DeviceMemory implements AutoCloseable {
  private final CUdeviceptr pointer;
  private final long bytes;
  private boolean closed;

  private DeviceMemory(CUdeviceptr pointer, long bytes) {
    this.pointer = pointer;
    this.bytes = bytes;
  }

  static DeviceMemory allocate(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, but is " + bytes);
    }
    CUdeviceptr pointer = new CUdeviceptr();
    check("cuMemAlloc of " + bytes + " bytes", JCudaDriver.cuMemAlloc(pointer, bytes));
    DeviceMemory memory = new DeviceMemory(pointer, bytes);
    try {
      check("cuMemsetD8", JCudaDriver.cuMemsetD8(pointer, (byte) 0, bytes));
      check("cuCtxSynchronize", JCudaDriver.cuCtxSynchronize()); // before any stream writes
    } catch (DeviceException e) {
      memory.close();
      throw e;
    }
    return memory;
  }

  /** Returns the size in bytes. */
  public long bytes() {
    return bytes;
  }

  CUdeviceptr at(long offset) {
    if (closed || offset < 0 || offset >= bytes) {
      throw new IllegalStateException(
          "offset %d of %d bytes%s".formatted(offset, bytes, closed ? ", which are freed" : ""));
    }
    return pointer.withByteOffset(offset);
  }

  /** Frees the memory. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuMemFree", JCudaDriver.cuMemFree(pointer));
    }
  }
}
