package dev.s3llm.model;

import java.util.Locale;

/** The number type in which a tensor's elements are stored. */
public enum ElementType {
  /** IEEE single precision. */
  F32(4),
  /** IEEE half precision. */
  F16(2),
  /** The upper half of an IEEE single. */
  BF16(2);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the size of an element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns the lower-case name that kernels carry: {@code f32}, {@code f16} or {@code bf16}. */
  public String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }
}
