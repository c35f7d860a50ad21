package dev.s3llm.jcuda.kernel;

import static dev.s3llm.jcuda.kernel.DeviceException.check;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A piece of device memory; freed once. */
public final class DeviceMemory implements AutoCloseable {
  private final CUdeviceptr pointer;
  private final long bytes;
  private boolean closed;

  private DeviceMemory(CUdeviceptr pointer, long bytes) {
    this.pointer = pointer;
    this.bytes = bytes;
  }

  static DeviceMemory allocate(long bytes, CUstream stream) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, but is " + bytes);
    }
    CUdeviceptr pointer = new CUdeviceptr();
    check("cuMemAlloc of " + bytes + " bytes", JCudaDriver.cuMemAlloc(pointer, bytes));
    check("cuMemsetD8Async", JCudaDriver.cuMemsetD8Async(pointer, (byte) 0, bytes, stream));
    return new DeviceMemory(pointer, bytes);
  }

  /** How many bytes it has. */
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

  /** Frees it. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuMemFree", JCudaDriver.cuMemFree(pointer));
    }
  }
}
