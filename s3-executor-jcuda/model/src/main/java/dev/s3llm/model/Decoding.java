package dev.s3llm.model;

import java.nio.ByteBuffer;

/**
 * Decodes stored elements to floats, one format at a time. The layouts of blocks are those of
 * {@code ggml-common.h}; products and sums are rounded in the order in which {@code ggml-quants.c}
 * has them, so that the floats are the same bit for bit.
 */
final class Decoding {
  /** E2M1 floats, doubled: a sign, two bits of exponent, one of mantissa. */
  private static final int[] DOUBLED_E2M1 = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12
  };

  private static final int SMALL = 32;

  /** Adding it changes no number, not even the sign of a zero. */
  private static final float NO_MINIMUM = -0f;

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
      default -> {
        byte[] block = new byte[type.blockBytes()];
        int elements = type.blockElements();
        for (int i = 0; i < count / elements; i++) {
          from.get(i * block.length, block);
          block(type, block, to, at + i * elements);
        }
      }
    }
  }

  private static void block(ElementType type, byte[] block, float[] to, int at) {
    switch (type) {
      case Q8_0 -> eights(block, to, at);
      case Q4_0 -> fours(block, 2, half(block, 0), -8, NO_MINIMUM, to, at);
      case Q4_1 -> fours(block, 4, half(block, 0), 0, half(block, 2), to, at);
      case Q5_0 -> fives(block, 2, half(block, 0), -16, NO_MINIMUM, to, at);
      case Q5_1 -> fives(block, 4, half(block, 0), 0, half(block, 2), to, at);
      case MXFP4 -> microscaled(block, to, at);
      case Q4_K, Q5_K, Q6_K -> SuperBlocks.decode(type, block, to, at);
      default -> throw new IllegalArgumentException(type + " has no blocks");
    }
  }

  /** Returns the half-precision number at a position of a block. */
  static float half(byte[] block, int at) {
    return HalfFloats.fromHalf((short) ((block[at] & 0xFF) | (block[at + 1] << 8)));
  }

  private static void eights(byte[] block, float[] to, int at) {
    float scale = half(block, 0);
    for (int i = 0; i < SMALL; i++) {
      to[at + i] = block[2 + i] * scale;
    }
  }

  /** Low nibbles are the first half of the block, high nibbles the second. */
  private static void fours(
      byte[] block, int first, float scale, int zero, float minimum, float[] to, int at) {
    for (int i = 0; i < SMALL / 2; i++) {
      int pair = block[first + i];
      to[at + i] = ((pair & 0xF) + zero) * scale + minimum;
      to[at + SMALL / 2 + i] = (((pair >> 4) & 0xF) + zero) * scale + minimum;
    }
  }

  /** As {@link #fours} with a fifth bit of each element in 32 bits before the nibbles. */
  private static void fives(
      byte[] block, int first, float scale, int zero, float minimum, float[] to, int at) {
    int high = 0;
    for (int i = 0; i < 4; i++) {
      high |= (block[first + i] & 0xFF) << (8 * i);
    }
    for (int i = 0; i < SMALL / 2; i++) {
      int pair = block[first + 4 + i];
      int low = (pair & 0xF) | (((high >>> i) & 1) << 4);
      int upper = ((pair >> 4) & 0xF) | (((high >>> (i + SMALL / 2)) & 1) << 4);
      to[at + i] = (low + zero) * scale + minimum;
      to[at + SMALL / 2 + i] = (upper + zero) * scale + minimum;
    }
  }

  private static void microscaled(byte[] block, float[] to, int at) {
    float scale = halfPowerOfTwo(block[0] & 0xFF);
    for (int i = 0; i < SMALL / 2; i++) {
      int pair = block[1 + i];
      to[at + i] = DOUBLED_E2M1[pair & 0xF] * scale;
      to[at + SMALL / 2 + i] = DOUBLED_E2M1[(pair >> 4) & 0xF] * scale;
    }
  }

  /** Returns half of the power of two that an E8M0 number is, as the E2M1 floats are doubled. */
  static float halfPowerOfTwo(int exponent) {
    return Float.intBitsToFloat(exponent < 2 ? 0x00200000 << exponent : (exponent - 1) << 23);
  }
}
