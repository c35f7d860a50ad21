package dev.s3llm.jcuda;

import dev.s3llm.model.Codes;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How matrices lie in the memory of a GPU. Codes of 4 and 8 bits are widened to the executor's
 * {@link Precision} in registers, so that a product has the bits of one with 16-bit weights of the
 * same values. Embedding and router always have 16 bits.
 */
public enum WeightFormat {
  /**
   * As the files have them where the kernels read the format, else with 16 bits. Kernels read Q4_0,
   * Q4_1, Q4_K, Q8_0; GPTQ and AWQ of 4 bits, and of 8 with zeros of 128; fp8 (e4m3) and int8;
   * MXFP4 of experts. Matrices with the same input share one format, or have 16 bits.
   */
  STORED(null),
  /** 16 bits, the executor's {@link Precision}. */
  WIDE(null),
  /** Integers of 8 bits with a scale for each 128 columns of a row, rounded to nearest. */
  INT8(Codes.Kind.SIGNED_8),
  /** Floats of 8 bits (e4m3) with a scale for each 128 columns of a row, rounded to nearest. */
  FP8(Codes.Kind.E4M3),
  /**
   * Integers of 4 bits with a scale for each 128 columns of a row, rounded to nearest; of 16 scales
   * the one with the least squared error.
   */
  INT4(Codes.Kind.UNSIGNED_4);

  private static final int GROUP = 128;

  private final Codes.@Nullable Kind kind;

  WeightFormat(Codes.@Nullable Kind kind) {
    this.kind = kind;
  }

  /**
   * Returns the format to which weights are rounded when they are loaded; empty if they are not.
   */
  Optional<Codes.Format> rounded() {
    return Optional.ofNullable(kind).map(own -> new Codes.Format(own, GROUP, Codes.Second.NONE));
  }
}
