package dev.s3llm.model;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The bytes of a stored tensor of any number type: what quantised matrices are made of.
 *
 * @param label file and name of the tensor, for messages
 * @param dtype number type as the file names it, such as {@code I32} or {@code F8_E4M3}
 * @param shape dimensions, outermost first
 * @param bytes size of all elements, at least 0
 * @param slices reads the bytes
 */
public record RawTensor(String label, String dtype, List<Long> shape, long bytes, Slices slices) {

  /** Reads consecutive bytes. */
  @FunctionalInterface
  public interface Slices {
    /**
     * Returns some bytes, little-endian, from position 0 on; valid while the source is open.
     *
     * @param first index of the first byte, at least 0
     * @param count number of bytes, at most 2^31 - 1
     * @throws ModelFormatException if the source cannot be read
     */
    ByteBuffer read(long first, int count);
  }

  /**
   * Returns all bytes, without a copy where the source is mapped.
   *
   * @throws ModelFormatException if there are 2^31 or more, or the source cannot be read
   */
  public ByteBuffer all() {
    if (bytes > Integer.MAX_VALUE) {
      throw new ModelFormatException(label + " has " + bytes + " bytes, the limit is 2^31");
    }
    return slices.read(0, (int) bytes);
  }
}
