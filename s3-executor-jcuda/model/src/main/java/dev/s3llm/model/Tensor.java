package dev.s3llm.model;

import java.nio.ByteBuffer;

/**
 * A tensor that is read piece by piece, so that no copy of the whole need exist.
 *
 * @param label what to call it in errors: where it comes from, and its name
 * @param elements how many, row-major
 * @param slices reads the elements
 */
public record Tensor(String label, ElementType type, long elements, Slices slices) {
  private static final int PIECE = 1 << 22;

  /** Reads consecutive elements. */
  @FunctionalInterface
  public interface Slices {
    /**
     * Some elements' bytes, little-endian, from position 0 on; valid while the source is open.
     *
     * @param first the first element
     * @param count how many; their bytes must fit a buffer
     */
    ByteBuffer read(long first, int count);
  }

  /** Bytes of all elements. */
  public long bytes() {
    return elements * type.bytes();
  }

  /** Some elements' bytes; see {@link Slices#read}. */
  public ByteBuffer slice(long first, int count) {
    return slices.read(first, count);
  }

  /**
   * All elements as floats.
   *
   * @throws ModelFormatException if there are too many for an array, or one is a NaN or an infinity
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
