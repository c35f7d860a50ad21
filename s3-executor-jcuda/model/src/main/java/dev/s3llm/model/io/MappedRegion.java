package dev.s3llm.model.io;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A region of a file, mapped into memory where it is first read. Windows of up to 2 GiB start every
 * GiB, so that a slice of up to one GiB lies in one window and many small slices share a mapping.
 * Safe for several threads. Mappings are released by the garbage collector.
 */
public final class MappedRegion {
  private static final long STEP = 1L << 30;

  private final FileChannel channel;
  private final String label;
  private final long offset;
  private final long bytes;
  private final AtomicReferenceArray<ByteBuffer> windows;

  /**
   * Creates a region; nothing is mapped yet.
   *
   * @param channel the file; open while the region is read
   * @param label name of the region, for messages
   * @param offset position of its first byte in the file, at least 0
   * @param bytes its size, at least 0
   */
  public MappedRegion(FileChannel channel, String label, long offset, long bytes) {
    this.channel = channel;
    this.label = label;
    this.offset = offset;
    this.bytes = bytes;
    this.windows = new AtomicReferenceArray<>((int) (bytes / STEP) + 1);
  }

  /**
   * Returns some bytes, little-endian, from position 0 on.
   *
   * @param at index of the first byte within the region
   * @param count number of bytes, from 0 to 2^31 - 1
   * @throws ModelFormatException if the file cannot be read
   * @throws IndexOutOfBoundsException if the bytes are not inside the region
   */
  public ByteBuffer read(long at, long count) {
    Objects.checkFromIndexSize(at, count, bytes);
    if (!channel.isOpen()) {
      throw new ModelFormatException(label + " cannot be read: the file is closed");
    }
    if (count > STEP) {
      return map(at, count);
    }
    int index = (int) (at / STEP);
    ByteBuffer window = windows.get(index);
    if (window == null) {
      long start = index * STEP;
      window = map(start, Math.min(Integer.MAX_VALUE, bytes - start));
      windows.set(index, window);
    }
    return window.slice((int) (at % STEP), (int) count).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer map(long at, long count) {
    try {
      return channel
          .map(FileChannel.MapMode.READ_ONLY, offset + at, count)
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new ModelFormatException(label + " cannot be read", e);
    }
  }
}
