package dev.s3llm.model.io;

import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A file that is mapped into memory where it is first read. Windows of up to 2 GiB start every GiB,
 * so that a slice of up to one GiB lies in one window, and files of thousands of tensors need few
 * mappings. Safe for several threads. Mappings are released by the garbage collector.
 */
public final class MappedFile {
  private static final long STEP = 1L << 30;

  private final FileChannel channel;
  private final long size;
  private final AtomicReferenceArray<ByteBuffer> windows;

  /**
   * Creates the view; nothing is mapped yet.
   *
   * @param channel the file; open while the view is read
   * @param size size of the file in bytes, at least 0
   */
  public MappedFile(FileChannel channel, long size) {
    this.channel = channel;
    this.size = size;
    this.windows = new AtomicReferenceArray<>(Math.toIntExact(size / STEP) + 1);
  }

  /**
   * Returns some bytes, little-endian, from position 0 on.
   *
   * @param label name of what is read, for messages
   * @param at position of the first byte in the file
   * @param count number of bytes, from 0 to 2^31 - 1
   * @throws ModelFormatException if the file cannot be read
   * @throws IndexOutOfBoundsException if the bytes are not inside the file
   */
  public ByteBuffer read(String label, long at, long count) {
    Objects.checkFromIndexSize(at, count, size);
    if (!channel.isOpen()) {
      throw new ModelFormatException(label + " cannot be read: the file is closed");
    }
    if (count > STEP) {
      return map(label, at, count);
    }
    int index = (int) (at / STEP);
    ByteBuffer window = windows.get(index);
    if (window == null) {
      long start = index * STEP;
      window = map(label, start, Math.min(Integer.MAX_VALUE, size - start));
      windows.set(index, window);
    }
    return window.slice((int) (at % STEP), (int) count).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer map(String label, long at, long count) {
    try {
      return channel.map(FileChannel.MapMode.READ_ONLY, at, count).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new ModelFormatException(label + " cannot be read", e);
    }
  }
}
