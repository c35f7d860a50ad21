package dev.s3llm.model.quant;

import java.util.Set;

/** A way to quantise matrices: the tensors that a module has for it, and how they are decoded. */
interface Scheme {

  /** Returns the end of the name of the tensor that a quantised module has. */
  String mark();

  /** Returns the ends of the names of all tensors that the scheme adds to a module. */
  Set<String> parts();

  /** Returns the ends of the names of tensors that no product needs, in whatever module. */
  default Set<String> unused() {
    return Set.of();
  }

  /**
   * Returns whether the module is quantised.
   *
   * @param parts tensors of a module that has the {@link #mark}
   */
  default boolean quantised(Parts parts) {
    return true;
  }

  /**
   * Returns the module's matrix.
   *
   * @param parts tensors of a quantised module
   * @throws dev.s3llm.model.ModelFormatException if a part is missing or does not fit
   */
  Matrix matrix(Parts parts);
}
