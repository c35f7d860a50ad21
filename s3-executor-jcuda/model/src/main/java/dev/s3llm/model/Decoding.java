package dev.s3llm.model;

import java.nio.ByteBuffer;

/** Decodes stored elements to floats, one format at a time. */
final class Decoding {
  private Decoding() {}

  /**
   * Decodes elements.
   *
   * @param type their format
   * @param from bytes of whole blocks, little-endian, from position 0 on
   * @param to receives the floats
   * @param at index of the first float
   * @param count number of elements, whole blocks
   */
  static void decode(ElementType type, ByteBuffer from, float[] to, int at, int count) {
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
      default -> throw new UnsupportedOperationException("blocks of " + type);
    }
  }
}
