package dev.s3llm.model;

import java.util.Optional;

/**
 * A tensor's elements as they are quantised, for executors that multiply codes without decoding
 * them first: a small number for each element, and a scale for each group of consecutive elements.
 * Groups never cross the end of a row. Decoding gives the same elements.
 *
 * <p>Where the groups of a row are not consecutive columns, codes come in another {@linkplain
 * #order() order} than the tensor's elements: group after group.
 */
public interface Codes {

  /** What a code is. */
  enum Kind {
    /** An integer from 0 to 15. */
    UNSIGNED_4(4),
    /** An integer from -128 to 127. */
    SIGNED_8(8),
    /** A float of four bits of exponent and three of mantissa, without infinities. */
    E4M3(8),
    /** A float of two bits of exponent and one of mantissa. */
    E2M1(4);

    private final int bits;

    Kind(int bits) {
      this.bits = bits;
    }

    /** Returns the bits of a code. */
    public int bits() {
      return bits;
    }
  }

  /** What stands beside a group's scale. */
  enum Second {
    /** Nothing: an element is {@code scale * code}, for integers of 4 bits {@code code - 8}. */
    NONE,
    /** A zero, an integer from 0 to 16: an element is {@code scale * (code - zero)}. */
    ZERO,
    /** An offset: an element is {@code scale * code + offset}. */
    OFFSET
  }

  /**
   * The format of codes.
   *
   * @param kind what a code is
   * @param group elements of a group: 32, 64 or 128, and 16 for integers of 8 bits without seconds
   * @param second what stands beside a scale
   */
  record Format(Kind kind, int group, Second second) {
    /** Returns the bits of an element with its part of a scale and second of 16 bits each. */
    public double bitsPerElement() {
      int shared = second == Second.NONE ? Short.SIZE : 2 * Short.SIZE;
      return kind.bits() + (double) shared / group;
    }
  }

  /** Returns the format. */
  Format format();

  /** Returns how the files round what the matrix multiplies; empty if they do not say so. */
  default Optional<RoundedInput> input() {
    return Optional.empty();
  }

  /**
   * Returns the column of each code of a row, the same in all rows: code {@code i} is that of
   * column {@code order[i]}. Empty where codes have the order of the columns. Not to be changed.
   */
  default Optional<int[]> order() {
    return Optional.empty();
  }

  /**
   * Reads codes and scales. Any number of threads may call it at once.
   *
   * @param first index of the first element; the start of a row
   * @param count number of elements, whole rows
   * @param codes receives a code for each element, from index 0 on
   * @param scales receives a scale for each group
   * @param seconds receives a zero or an offset for each group; not written where there is none
   * @throws ModelFormatException if the source cannot be read
   */
  void read(long first, int count, byte[] codes, float[] scales, float[] seconds);
}
