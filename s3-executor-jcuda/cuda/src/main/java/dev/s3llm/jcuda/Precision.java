package dev.s3llm.jcuda;

import dev.s3llm.model.ElementType;

/** The number type of weights, activations and KV on a GPU; sums are always fp32. */
public enum Precision {
  /** IEEE half precision: eleven bits of mantissa, up to 65,504. */
  FP16(ElementType.F16),
  /** The upper half of an IEEE single: eight bits of mantissa, the range of a single. */
  BF16(ElementType.BF16);

  private final ElementType type;

  Precision(ElementType type) {
    this.type = type;
  }

  /** Returns the number type of the elements. */
  ElementType type() {
    return type;
  }
}
