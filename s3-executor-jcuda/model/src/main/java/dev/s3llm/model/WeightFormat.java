package dev.s3llm.model;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How an executor keeps the matrices of a model in memory. Formats of 8 and 4 bits are rounded to
 * when the weights are read, to nearest with a scale for each 128 columns of a row; embedding and
 * router are never rounded.
 */
public enum WeightFormat {
  /**
   * As the files have them where the kernels read the format, else widened. On a GPU kernels read
   * Q4_0, Q4_1, Q4_K, Q8_0, and Q5_0, Q5_1, Q5_K and Q6_K with 8 bits for an integer; GPTQ and AWQ
   * of 4 bits, and GPTQ of 8 with zeros of 128; fp8 (e4m3) and int8; MXFP4 of experts. Gate and up
   * share one format there, or have 16 bits.
   */
  STORED(null),
  /** As plain numbers: 16 bits on a GPU, in its executor's type of activations; fp32 on a CPU. */
  WIDE(null),
  /** Integers of 8 bits. */
  INT8(Codes.Kind.SIGNED_8),
  /** Floats of 8 bits (e4m3). A CPU keeps the values they stand for, in fp16. */
  FP8(Codes.Kind.E4M3),
  /** Integers of 4 bits; of 16 scales the one with the least squared error. */
  INT4(Codes.Kind.UNSIGNED_4);

  private static final int GROUP = 128;

  private final Codes.@Nullable Kind kind;

  WeightFormat(Codes.@Nullable Kind kind) {
    this.kind = kind;
  }

  /** Returns the codes to which weights are rounded when they are read; empty if they are not. */
  public Optional<Codes.Format> rounded() {
    return Optional.ofNullable(kind).map(own -> new Codes.Format(own, GROUP, Codes.Second.NONE));
  }
}
