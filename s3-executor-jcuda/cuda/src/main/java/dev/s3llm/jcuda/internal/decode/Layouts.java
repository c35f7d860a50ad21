package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;

/** Sizes of the layouts in {@code src/main/cuda/README.md}. */
final class Layouts {
  /** Bytes of a number in weights, activations and KV: fp16 or bf16. */
  static final int NUMBER_BYTES = 2;

  private static final int TILE = 64;
  private static final long WEIGHT_TILE_BYTES = NUMBER_BYTES * TILE * TILE;

  /** Columns of an activation tile of 8 bits. */
  private static final int ROUNDED_TILE = 128;

  /** Rows of an activation tile. */
  private static final int GROUP = 8;

  private Layouts() {}

  /** Returns the bytes of a weight matrix {@code [out][in]} in tiles of 64 by 64. */
  static long weightBytes(int out, int in) {
    long count = (long) Divide.up(out, TILE) * Divide.up(in, TILE);
    return Math.multiplyExact(count, WEIGHT_TILE_BYTES);
  }

  /** Returns the number of groups of eight rows that hold a number of rows. */
  static int groups(int rows) {
    return Divide.up(rows, GROUP);
  }

  /** Returns the bytes of activations {@code [groups of eight rows][width]} in tiles of 8 by 64. */
  static long activationBytes(int groups, int width) {
    return (long) NUMBER_BYTES * GROUP * groups * TILE * Divide.up(width, TILE);
  }

  /** Returns the bytes of the codes of the same rounded to 8 bits, in tiles of 8 by 128. */
  static long roundedBytes(int groups, int width) {
    return (long) GROUP * groups * ROUNDED_TILE * Divide.up(width, ROUNDED_TILE);
  }

  /** Returns the bytes of their scales, of which each 128 columns of a row may have one. */
  static long scaleBytes(int groups, int width) {
    return (long) Float.BYTES * GROUP * groups * Divide.up(width, ROUNDED_TILE);
  }
}
