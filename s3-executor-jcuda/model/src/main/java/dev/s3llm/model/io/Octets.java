package dev.s3llm.model.io;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Eight small numbers in the bytes of a {@code long}, the first in the lowest, so that packed
 * weights are unpacked eight at a time.
 */
public final class Octets {
  /** Numbers that are unpacked at a time. */
  public static final int SIZE = Long.BYTES;

  private static final long LOW_NIBBLES = 0x0F0F_0F0F_0F0F_0F0FL;
  private static final long ONES = 0x0101_0101_0101_0101L;
  private static final long TOP_BITS = 0x8080_8080_8080_8080L;
  private static final VarHandle BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Octets() {}

  /** Returns eight bytes of an array from an index on. */
  public static long get(byte[] from, int at) {
    return (long) BYTES.get(from, at);
  }

  /** Writes eight bytes into an array from an index on. */
  public static void put(byte[] to, int at, long octet) {
    BYTES.set(to, at, octet);
  }

  /**
   * Returns a field of bits of each byte.
   *
   * @param shift the lowest bit of the field
   * @param mask the field's bits from bit 0 on, at most {@code 0xFF >> shift}
   */
  public static long field(long octet, int shift, int mask) {
    return (octet >>> shift) & (ONES * mask);
  }

  /** Returns the eight numbers of four bits in a word, the lowest first. */
  public static long nibbles(int word) {
    long pairs = word & 0xFFFF_FFFFL;
    pairs = (pairs | pairs << 16) & 0x0000_FFFF_0000_FFFFL;
    pairs = (pairs | pairs << 8) & 0x00FF_00FF_00FF_00FFL;
    return (pairs | pairs << 4) & LOW_NIBBLES;
  }

  /**
   * Writes the unsigned integers of a word into an array, the lowest first.
   *
   * @param bits bits of an integer, 4 or 8
   */
  public static void unpack(int word, int bits, byte[] to, int at) {
    if (bits == 4) {
      put(to, at, nibbles(word));
    } else {
      for (int i = 0; i < Integer.BYTES; i++) {
        to[at + i] = (byte) (word >>> (Byte.SIZE * i));
      }
    }
  }

  /** Returns the eight lowest bits of a number, the lowest first. */
  public static long bits(int number) {
    long each = ((number & 0xFF) * ONES) & 0x8040_2010_0804_0201L;
    return ((each + ~TOP_BITS) >>> 7) & ONES;
  }

  /**
   * Subtracts a number from each of eight.
   *
   * @param octet numbers of seven bits
   * @param subtrahend 0 to 128
   */
  public static long minus(long octet, int subtrahend) {
    return ((octet | TOP_BITS) - ONES * subtrahend) ^ TOP_BITS;
  }

  /**
   * Transposes eight octets in place: byte {@code j} of octet {@code i} becomes byte {@code i} of
   * octet {@code j}.
   */
  public static void transpose(long[] octets) {
    swap(octets, 4, 0x0000_0000_FFFF_FFFFL);
    swap(octets, 2, 0x0000_FFFF_0000_FFFFL);
    swap(octets, 1, 0x00FF_00FF_00FF_00FFL);
  }

  /** Swaps the high parts of octets with the low parts of those that stand a distance after. */
  private static void swap(long[] octets, int distance, long low) {
    int bits = Byte.SIZE * distance;
    for (int i = 0; i < SIZE; i++) {
      if ((i & distance) == 0) {
        long first = octets[i];
        long second = octets[i + distance];
        octets[i] = (first & low) | (second & low) << bits;
        octets[i + distance] = (first >>> bits & low) | (second & ~low);
      }
    }
  }
}
