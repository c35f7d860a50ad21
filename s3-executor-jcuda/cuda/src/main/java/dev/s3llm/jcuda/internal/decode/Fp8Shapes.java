package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Chooses the kernel of a matrix product with both operands in 8 bits; the arithmetic of {@code
 * src/main/cuda/README.md}. The choice never changes a result.
 *
 * @param multiprocessors multiprocessors of the device, which is one of Hopper's
 */
record Fp8Shapes(int multiprocessors) {
  private static final int[] ROWS = {16, 32, 64, 128};
  private static final int LARGE_ROWS = 256;
  private static final int[] SPLITS = {4, 2, 1};

  /** Rows and columns of a tile of weights. */
  private static final int TILE = 128;

  /** Bytes of a tile: codes, and a float for each row. */
  static final int TILE_BYTES = TILE * TILE + Float.BYTES * TILE;

  /** Shared memory of a multiprocessor, in KiB. */
  private static final int SHARED_KIB = 227;

  /** Bytes that hold the two barriers of a stage. */
  private static final int BARRIER_BYTES = 16;

  /**
   * A launch.
   *
   * @param suffix end of the kernel's name after the number type
   * @param rows rows of y that a block computes, with {@value #TILE} columns
   * @param threads threads of a block
   * @param stages stages of the ring
   * @param sharedBytes bytes of dynamic shared memory of a block
   * @param segments blocks of a cluster, each with one segment of the sum over k
   */
  record Launch(String suffix, int rows, int threads, int stages, int sharedBytes, int segments) {}

  /** Returns the number of segments of the sum over k: a property of the weight. */
  static int splits(int n, int k) {
    int columns = Divide.up(n, TILE);
    int tiles = Divide.up(k, TILE);
    int most = columns >= 90 ? 1 : columns >= 60 ? 2 : 4;
    return IntStream.of(SPLITS)
        .filter(splits -> splits <= most && (splits == 1 || tiles >= 2 * splits))
        .findFirst()
        .orElse(1);
  }

  /** Returns the launch for a number of rows of a weight with some columns. */
  Launch launch(int m, int n, int splits) {
    int rows = IntStream.of(ROWS).filter(own -> m <= own).findFirst().orElse(LARGE_ROWS);
    int columns = Divide.up(n, TILE);
    int blocks = Divide.up(m, rows) * columns * splits;
    return launch(rows, "c" + splits, splits, blocks);
  }

  /** Returns launches with the kernels that {@link #launch} may choose for a weight. */
  List<Launch> all(int n, int splits) {
    List<Launch> all = new ArrayList<>();
    for (int rows : ROWS) {
      all.add(launch(rows, n, splits));
    }
    all.add(launch(LARGE_ROWS, n, splits));
    return all;
  }

  /** As many stages as there is room for beside the blocks that share a multiprocessor. */
  private Launch launch(int rows, String suffix, int segments, int blocks) {
    int most = rows <= 32 ? 3 : rows == 64 ? 2 : 1;
    int resident = Math.min(most, Divide.up(blocks, multiprocessors));
    int stage = Divide.up(rows * TILE + TILE_BYTES + Float.BYTES * rows, 1024) * 1024;
    int stages = (SHARED_KIB / resident - 2) * 1024 / stage;
    return new Launch(
        "n%d_%s".formatted(rows, suffix),
        rows,
        rows > TILE ? 384 : 288,
        stages,
        stages * (stage + BARRIER_BYTES) + 1024,
        segments);
  }
}
