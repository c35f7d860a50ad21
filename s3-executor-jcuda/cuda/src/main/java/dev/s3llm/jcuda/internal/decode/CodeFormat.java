package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.model.Codes;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.RoundedInput;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The format of a matrix of codes on a device: tiles of 128 by 128 codes, each with a strip of
 * scales, as {@code src/main/cuda/README.md} has them. Matrices whose input is rounded, too, have
 * tiles of their own.
 *
 * @param codes the codes; e4m3 in groups of 128 where the input is rounded
 * @param input how the input is rounded; null if it is not
 */
record CodeFormat(Codes.Format codes, @Nullable RoundedInput input) {
  private static final int TILE = 128;
  private static final Set<Integer> GROUPS = Set.of(32, 64, 128);

  /** Returns the format on a device of codes as they are stored; empty if no kernel reads it. */
  static Optional<CodeFormat> of(Codes.Format stored) {
    int group = stored.group();
    boolean read =
        switch (stored.second()) {
          case NONE -> GROUPS.contains(group) || (stored.kind() == Kind.SIGNED_8 && group == 16);
          case ZERO -> GROUPS.contains(group) && stored.kind() == Kind.UNSIGNED_4;
          case OFFSET ->
              group == 32 && (stored.kind() == Kind.UNSIGNED_4 || stored.kind() == Kind.SIGNED_8);
        };
    return read ? Optional.of(new CodeFormat(stored)) : Optional.empty();
  }

  /** Codes whose input is not rounded. */
  CodeFormat(Codes.Format codes) {
    this(codes, null);
  }

  /** Returns the name of the codes in the names of kernels. */
  String suffix() {
    return switch (codes.kind()) {
      case UNSIGNED_4 -> "u4";
      case SIGNED_8 -> "s8";
      case E4M3 -> "e4m3";
      case E2M1 -> "e2m1";
    };
  }

  /** Returns the number of the codes in the kernels. */
  int number() {
    return switch (codes.kind()) {
      case UNSIGNED_4 -> 0;
      case SIGNED_8 -> 1;
      case E4M3 -> 2;
      case E2M1 -> 3;
    };
  }

  /** Returns the parameter {@code scales} of the kernels: groups of a tile's row, and the form. */
  int scales() {
    int form =
        switch (codes.second()) {
          case NONE -> 0;
          case ZERO -> 1;
          case OFFSET -> 2;
        };
    return TILE / codes.group() | form << 4;
  }

  /** Returns whether something stands beside a scale. */
  boolean seconds() {
    return codes.second() != Codes.Second.NONE;
  }

  /** Returns whether the kernels of dense products on Hopper read the codes, too. */
  boolean dense() {
    return codes.kind() != Kind.E2M1;
  }

  /** Returns the bytes of the codes of some elements, row-major. */
  long codeBytes(long elements) {
    return elements * codes.kind().bits() / Byte.SIZE;
  }

  /** Returns the groups of a row. */
  int groups(int columns) {
    return Divide.up(columns, codes.group());
  }

  /** Returns the bytes of a matrix {@code [out][in]}. */
  long bytes(int out, int in) {
    if (input != null) {
      return Math.multiplyExact(
          (long) Divide.up(out, TILE) * Divide.up(in, TILE), Fp8Shapes.TILE_BYTES);
    }
    long strip = (long) TILE * (TILE / codes.group()) * (seconds() ? 4 : 2);
    long tile = codeBytes((long) TILE * TILE) + strip;
    return Math.multiplyExact((long) Divide.up(out, TILE) * Divide.up(in, TILE), tile);
  }
}
