package dev.s3llm.jcuda;

/** The number type of weights, activations and KV on a GPU; sums are always fp32. */
public enum Precision {
  /** IEEE half precision: eleven bits of mantissa, up to 65,504. */
  FP16("f16"),
  /** The upper half of a single: eight bits of mantissa, the range of a single. */
  BF16("bf16");

  /** Bytes of a number. */
  static final int BYTES = 2;

  private final String suffix;

  Precision(String suffix) {
    this.suffix = suffix;
  }

  /** The name that kernels carry. */
  String suffix() {
    return suffix;
  }
}
