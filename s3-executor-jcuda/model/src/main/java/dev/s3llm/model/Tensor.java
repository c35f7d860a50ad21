package dev.s3llm.model;

import java.nio.ByteBuffer;

/**
 * A tensor that is read piece by piece, so that the whole is never copied.
 *
 * @param label source and name of the tensor, for messages
 * @param type number type of the elements
 * @param elements number of elements, row-major; at least 0
 * @param slices reads the elements
 */
public record Tensor(String label, ElementType type, long elements, Slices slices) {
  private static final int PIECE = 1 << 22;

  /** Reads consecutive elements. */
  @FunctionalInterface
  public interface Slices {
    /**
     * Returns the bytes of some elements, little-endian, from position 0 on; valid while the source
     * is open.
     *
     * @param first index of the first element, in {@code [0, elements)}
     * @param count number of elements; together at most 2^31 - 1 bytes
     * @throws ModelFormatException if the source cannot be read
     */
    ByteBuffer read(long first, int count);
  }

  /** Returns the size of all elements in bytes. */
  public long bytes() {
    return elements * type.bytes();
  }

  /**
   * Returns the bytes of some elements; see {@link Slices#read}.
   *
   * @param first index of the first element, in {@code [0, elements)}
   * @param count number of elements; together at most 2^31 - 1 bytes
   * @throws ModelFormatException if the source cannot be read
   */
  public ByteBuffer slice(long first, int count) {
    return slices.read(first, count);
  }

  /**
   * Returns all elements as floats.
   *
   * @throws ModelFormatException if an array cannot hold them, one is a NaN or an infinity, or the
   *     source cannot be read
   */
  public float[] floats() {
    if (elements > Integer.MAX_VALUE - 8) {
      throw new ModelFormatException(
          "%s has %d elements, the limit is 2^31".formatted(label, elements));
    }
    float[] values = new float[(int) elements];
    for (int at = 0; at < values.length; at += PIECE) {
      int count = Math.min(PIECE, values.length - at);
      convert(slice(at, count), values, at, count);
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelFormatException("%s holds %s at element %d".formatted(label, values[i], i));
      }
    }
    return values;
  }

  private void convert(ByteBuffer from, float[] to, int at, int count) {
    switch (type) {
      case F32 -> from.asFloatBuffer().get(to, at, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = HalfFloats.fromHalf(from.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = Float.intBitsToFloat(from.getShort(2 * i) << 16);
        }
      }
    }
  }
}
