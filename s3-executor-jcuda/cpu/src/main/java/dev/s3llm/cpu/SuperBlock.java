package dev.s3llm.cpu;

import java.nio.ByteBuffer;

/**
 * A super-block of the K formats: 256 columns in eight blocks. Reads it from the bytes of a tensor
 * in the order of {@link Packing}: there a word has the low bits of columns {@code 4 w + b} and
 * {@code 16 + 4 w + b} of one block; in the file, a word has those of the same column of two
 * blocks.
 */
final class SuperBlock {
  /** Columns of a super-block. */
  static final int COLUMNS = 256;

  private static final int LOW = 0x0F0F0F0F;
  private static final int ONES = 0x01010101;
  private static final int THREES = 0x03030303;

  /** Bytes of Q6_K before its high bits, its scales and its factor. */
  private static final int HIGH_BITS = 128;

  private static final int SCALES = 192;
  private static final int FACTOR = 208;

  private final ByteBuffer bytes;
  private final int bits;
  private int at;

  /**
   * Creates a reader.
   *
   * @param bytes super-blocks in little-endian order
   * @param bits of an integer: 4 for Q4_K, 5 for Q5_K, 6 for Q6_K
   */
  SuperBlock(ByteBuffer bytes, int bits) {
    this.bytes = bytes;
    this.bits = bits;
  }

  /** Returns the bytes of a super-block. */
  int bytes() {
    return bits == 6 ? FACTOR + Short.BYTES : 16 + bits * COLUMNS / Byte.SIZE;
  }

  /** Goes to the super-block that begins at a position of the bytes. */
  void read(int position) {
    at = position;
  }

  /** Returns the positions of the half-precision factors: of the scales, and of the minima. */
  int[] factorsAt() {
    return bits == 6 ? new int[] {at + FACTOR} : new int[] {at, at + Short.BYTES};
  }

  /**
   * Returns the two bytes of a block's scales: its scale and its minimum, of six bits each, or the
   * signed scales of its halves.
   */
  int scales(int block) {
    if (bits == 6) {
      return bytes.getShort(at + SCALES + 2 * block) & 0xFFFF;
    }
    int packed = at + 4;
    if (block < 4) {
      return (bytes.get(packed + block) & 63) | ((bytes.get(packed + block + 4) & 63) << 8);
    }
    int low = bytes.get(packed + block + 4);
    int scale = (low & 15) | ((bytes.get(packed + block - 4) & 0xC0) >> 2);
    int minimum = ((low >> 4) & 15) | ((bytes.get(packed + block) & 0xC0) >> 2);
    return scale | (minimum << 8);
  }

  /** Returns a word of a block's integers in the order of {@link Packing}. */
  int word(int block, int w) {
    if (w < 4) {
      return low(block, w) | (low(block, w + 4) << 4);
    }
    int high = 0;
    if (bits == 5) {
      for (int i = 0; i < 8; i++) {
        high |= ((bytes.getInt(at + 16 + 4 * i) >>> block) & ONES) << i;
      }
    } else {
      int first = at + HIGH_BITS + block / 4 * 32 + (w - 4) * 16;
      for (int i = 0; i < 4; i++) {
        high |= ((bytes.getInt(first + 4 * i) >>> (2 * (block % 4))) & THREES) << (2 * i);
      }
    }
    return high;
  }

  /** Returns the low bits of four columns of a block, each in a byte. */
  private int low(int block, int i) {
    if (bits == 6) {
      int first = at + block / 4 * 64 + block % 2 * 32;
      return (bytes.getInt(first + 4 * i) >>> (block % 4 / 2 * 4)) & LOW;
    }
    int first = at + bytes() - COLUMNS / 2 + block / 2 * 32;
    return (bytes.getInt(first + 4 * i) >>> (block % 2 * 4)) & LOW;
  }
}
