package dev.s3llm.model;

import static dev.s3llm.model.Decoding.half;

import dev.s3llm.model.io.Octets;

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
    for (int part = 0; part < 8; part++) {
      float scale = scales * scale(block, part);
      float minimum = minima * minimum(block, part);
      for (int i = 0; i < 32; i += Octets.SIZE) {
        long eight = foursOrFives(block, fives, part, i);
        for (int j = 0; j < Octets.SIZE; j++) {
          to[at + part * 32 + i + j] = scale * (byte) (eight >>> (8 * j)) - minimum;
        }
      }
    }
  }

  /** Returns eight codes of a part, from the {@code i}th on. */
  private static long foursOrFives(byte[] block, boolean fives, int part, int i) {
    int nibbles = fives ? AFTER_PACKED + SIZE / 8 : AFTER_PACKED;
    long low = Octets.field(Octets.get(block, nibbles + part / 2 * 32 + i), part % 2 * 4, 0xF);
    return fives ? low | Octets.field(Octets.get(block, AFTER_PACKED + i), part, 1) << 4 : low;
  }

  /** Reads the codes of a block of Q4_K or Q5_K: scales and negative minima of eight parts. */
  static void codes(
      byte[] block, boolean fives, byte[] codes, float[] scales, float[] offsets, int at) {
    for (int part = 0; part < 8; part++) {
      scales[at / 32 + part] = half(block, 0) * scale(block, part);
      offsets[at / 32 + part] = -(half(block, 2) * minimum(block, part));
      for (int i = 0; i < 32; i += Octets.SIZE) {
        Octets.put(codes, at + part * 32 + i, foursOrFives(block, fives, part, i));
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

  private static void sixes(byte[] block, float[] to, int at) {
    for (int part = 0; part < SIZE; part += 16) {
      float scale = scaleOfSixes(block, part / 16);
      for (int i = part; i < part + 16; i += Octets.SIZE) {
        long eight = sixes(block, i);
        for (int j = 0; j < Octets.SIZE; j++) {
          to[at + i + j] = scale * (byte) (eight >>> (8 * j));
        }
      }
    }
  }

  /** Reads the codes of a block of Q6_K, and the scales of sixteen parts. */
  static void sixes(byte[] block, byte[] codes, float[] scales, int at) {
    for (int part = 0; part < SIZE / 16; part++) {
      scales[at / 16 + part] = scaleOfSixes(block, part);
    }
    for (int i = 0; i < SIZE; i += Octets.SIZE) {
      Octets.put(codes, at + i, sixes(block, i));
    }
  }

  private static float scaleOfSixes(byte[] block, int part) {
    return half(block, 208) * block[192 + part];
  }

  /**
   * Returns eight codes, from the {@code i}th on. In each half of the block four quarters share 64
   * bytes of nibbles and 32 of pairs.
   */
  private static long sixes(byte[] block, int i) {
    int halfBlock = i / 128;
    int within = i / 32 % 4;
    long nibbles = Octets.get(block, halfBlock * 64 + within % 2 * 32 + i % 32);
    long pairs = Octets.get(block, 128 + halfBlock * 32 + i % 32);
    long low = Octets.field(nibbles, within / 2 * 4, 0xF);
    return Octets.minus(low | Octets.field(pairs, 2 * within, 3) << 4, 32);
  }
}
