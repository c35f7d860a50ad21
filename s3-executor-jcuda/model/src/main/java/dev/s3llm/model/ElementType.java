package dev.s3llm.model;

import java.util.Locale;

/**
 * The number format in which a tensor's elements are stored: plain numbers, or blocks of small
 * integers that share a scale (the formats of GGUF files). Elements of one block are consecutive in
 * a row.
 */
public enum ElementType {
  /** IEEE single precision. */
  F32(1, 4),
  /** IEEE half precision. */
  F16(1, 2),
  /** The upper half of an IEEE single. */
  BF16(1, 2),
  /** 32 signed bytes and a half-precision scale. */
  Q8_0(32, 34),
  /** 32 four-bit integers about a zero of 8, and a half-precision scale. */
  Q4_0(32, 18),
  /** 32 four-bit integers, a half-precision scale and a half-precision minimum. */
  Q4_1(32, 20),
  /** 32 five-bit integers about a zero of 16, and a half-precision scale. */
  Q5_0(32, 22),
  /** 32 five-bit integers, a half-precision scale and a half-precision minimum. */
  Q5_1(32, 24),
  /** 256 four-bit integers, with a six-bit scale and a six-bit minimum for each 32. */
  Q4_K(256, 144),
  /** 256 five-bit integers, with a six-bit scale and a six-bit minimum for each 32. */
  Q5_K(256, 176),
  /** 256 six-bit integers, with an eight-bit scale for each 16. */
  Q6_K(256, 210),
  /** 32 four-bit floats (E2M1) and a scale that is a power of two (E8M0). */
  MXFP4(32, 17);

  private final int blockElements;
  private final int blockBytes;

  ElementType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Returns the number of elements in a block; 1 for plain numbers. */
  public int blockElements() {
    return blockElements;
  }

  /** Returns the size of a block in bytes: for plain numbers, that of one element. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Returns whether elements are stored one by one, as plain numbers. */
  public boolean plain() {
    return blockElements == 1;
  }

  /**
   * Returns the bytes that some elements take.
   *
   * @param elements number of elements, a multiple of {@link #blockElements}
   * @throws ArithmeticException if the number exceeds a long
   */
  public long bytes(long elements) {
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  /** Returns the lower-case name, such as {@code f16}, which the CUDA kernels also have. */
  public String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }
}
