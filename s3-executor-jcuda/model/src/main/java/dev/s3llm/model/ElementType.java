package dev.s3llm.model;

import java.util.Locale;

/** How a tensor's elements are stored. */
public enum ElementType {
  /** IEEE single precision. */
  F32(4),
  /** IEEE half precision. */
  F16(2),
  /** The upper half of a single. */
  BF16(2);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }

  /** The name that kernels carry: {@code f32}, {@code f16} or {@code bf16}. */
  public String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }
}
