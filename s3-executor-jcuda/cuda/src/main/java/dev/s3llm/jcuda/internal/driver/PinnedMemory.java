package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/** Page-locked host memory, which the device copies at full speed. */
public final class PinnedMemory implements AutoCloseable {
  /** The largest size in bytes: JCuda returns a byte buffer. */
  public static final long MAX_BYTES = Integer.MAX_VALUE;

  private final Pointer pointer;
  private final long bytes;
  private boolean closed;

  private PinnedMemory(Pointer pointer, long bytes) {
    this.pointer = pointer;
    this.bytes = bytes;
  }

  static PinnedMemory allocate(long bytes) {
    if (bytes > MAX_BYTES) {
      throw new IllegalArgumentException(
          "pinned memory may have %d bytes in one piece, but %d were requested"
              .formatted(MAX_BYTES, bytes));
    }
    Pointer pointer = new Pointer();
    check("cuMemHostAlloc of " + bytes + " bytes", JCudaDriver.cuMemHostAlloc(pointer, bytes, 0));
    return new PinnedMemory(pointer, bytes);
  }

  /** Returns the size in bytes. */
  public long bytes() {
    return bytes;
  }

  /** Returns a view of some bytes, in the machine's byte order. */
  public ByteBuffer view(long offset, long size) {
    requireOpen(offset);
    return pointer.getByteBuffer(offset, size).order(ByteOrder.nativeOrder());
  }

  /** Returns the address of a byte. */
  public Pointer at(long offset) {
    requireOpen(offset);
    return pointer.withByteOffset(offset);
  }

  private void requireOpen(long offset) {
    if (closed || offset < 0 || offset >= bytes) {
      throw new IllegalStateException(
          "offset %d of %d bytes%s".formatted(offset, bytes, closed ? ", which are freed" : ""));
    }
  }

  /** Frees the memory. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuMemFreeHost", JCudaDriver.cuMemFreeHost(pointer));
    }
  }
}
