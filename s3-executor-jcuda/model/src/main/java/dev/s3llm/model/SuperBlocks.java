package dev.s3llm.model;

import static dev.s3llm.model.Decoding.half;

/**
 * Decodes blocks of 256 elements with scales for parts of them (the K formats). Q4_K and Q5_K:
 * scale, minimum, twelve bytes with eight scales and eight minima of six bits, for Q5_K the fifth
 * bits, nibbles. Q6_K: low nibbles, high pairs of bits, sixteen scales, the scale of scales.
 */
final class SuperBlocks {
  private static final int SIZE = 256;
  private static final int PACKED = 4;
  private static final int AFTER_PACKED = 16;

  private SuperBlocks() {}

  static void decode(ElementType type, byte[] block, float[] to, int at) {
    if (type == ElementType.Q6_K) {
      sixes(block, to, at);
    } else {
      foursOrFives(block, type == ElementType.Q5_K, to, at);
    }
  }

  /** Each 32 bytes of nibbles are two parts: the low nibbles, then the high ones. */
  private static void foursOrFives(byte[] block, boolean fives, float[] to, int at) {
    float scales = half(block, 0);
    float minima = half(block, 2);
    int nibbles = fives ? AFTER_PACKED + SIZE / 8 : AFTER_PACKED;
    for (int part = 0; part < 8; part++) {
      float scale = scales * scale(block, part);
      float minimum = minima * minimum(block, part);
      int first = nibbles + part / 2 * 32;
      int shift = part % 2 * 4;
      for (int i = 0; i < 32; i++) {
        int value = (block[first + i] >> shift) & 0xF;
        if (fives) {
          value |= ((block[AFTER_PACKED + i] >> part) & 1) << 4;
        }
        to[at + part * 32 + i] = scale * value - minimum;
      }
    }
  }

  /** Reads the codes of a block of Q4_K: scales and negative minima of eight parts. */
  static void codes(byte[] block, byte[] codes, float[] scales, float[] offsets, int at) {
    for (int part = 0; part < 8; part++) {
      scales[at / 32 + part] = half(block, 0) * scale(block, part);
      offsets[at / 32 + part] = -(half(block, 2) * minimum(block, part));
      int first = AFTER_PACKED + part / 2 * 32;
      int shift = part % 2 * 4;
      for (int i = 0; i < 32; i++) {
        codes[at + part * 32 + i] = (byte) ((block[first + i] >> shift) & 0xF);
      }
    }
  }

  /** The last four of eight have their low bits in the last bytes, their high ones in the first. */
  private static int scale(byte[] block, int part) {
    return part < 4
        ? block[PACKED + part] & 63
        : (block[PACKED + part + 4] & 0xF) | (((block[PACKED + part - 4] >> 6) & 3) << 4);
  }

  private static int minimum(byte[] block, int part) {
    return part < 4
        ? block[PACKED + part + 4] & 63
        : ((block[PACKED + part + 4] >> 4) & 0xF) | (((block[PACKED + part] >> 6) & 3) << 4);
  }

  /** Each half of the block: four quarters share 64 bytes of nibbles and 32 of pairs. */
  private static void sixes(byte[] block, float[] to, int at) {
    float scales = half(block, 208);
    for (int quarter = 0; quarter < 8; quarter++) {
      int halfBlock = quarter / 4;
      int within = quarter % 4;
      int nibbles = halfBlock * 64 + within % 2 * 32;
      int pairs = 128 + halfBlock * 32;
      for (int i = 0; i < 32; i++) {
        int low = (block[nibbles + i] >> (within / 2 * 4)) & 0xF;
        int high = (block[pairs + i] >> (2 * within)) & 3;
        float scale = scales * block[192 + halfBlock * 8 + within * 2 + i / 16];
        to[at + quarter * 32 + i] = scale * ((low | (high << 4)) - 32);
      }
    }
  }
}
