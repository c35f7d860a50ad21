package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Chooses the kernel of a matrix product with both operands in 8 bits; the arithmetic of {@code
 * src/main/cuda/README.md}. The choice never changes a result.
 *
 * @param multiprocessors multiprocessors of the device, which is one of Hopper's
 */
record Fp8Shapes(int multiprocessors) {
  private static final int[] FEW_ROWS = {16, 32, 64, 128};
  private static final int[] MANY_ROWS = {256, 192, 128};

  /** Rows and columns of a tile of weights; columns of y that a block computes. */
  static final int TILE = 128;

  /** Bytes of a tile: codes, and a float for each row. */
  static final int TILE_BYTES = TILE * TILE + Float.BYTES * TILE;

  /** Shared memory of a multiprocessor, in KiB. */
  private static final int SHARED_KIB = 227;

  /** Bytes of the two barriers of a stage. */
  private static final int BARRIER_BYTES = 16;

  /**
   * What a block takes for its start and its end, in the time of as many rows; fitted to the
   * products of llama-13b.
   */
  private static final int START_ROWS = 48;

  /**
   * A launch.
   *
   * @param suffix end of the kernel's name after the number type
   * @param rows rows of y that a block computes
   * @param threads threads of a block
   * @param stages stages of the ring
   * @param sharedBytes bytes of dynamic shared memory of a block
   */
  record Launch(String suffix, int rows, int threads, int stages, int sharedBytes) {}

  /**
   * Returns the number of segments of the sum over k, one for each block of a cluster: a property
   * of the weight. Two pay where columns leave multiprocessors idle and a segment is long.
   */
  static int splits(int n, int k) {
    return Divide.up(n, TILE) <= 60 && Divide.up(k, TILE) >= 64 ? 2 : 1;
  }

  /** Returns the launch for a number of rows of a weight with some columns. */
  Launch launch(int m, int n, int splits) {
    int rows =
        IntStream.of(FEW_ROWS)
            .filter(own -> m <= own)
            .findFirst()
            .orElseGet(() -> manyRows(m, n, splits));
    return launch(rows, m, n, splits);
  }

  /** Returns launches with all kernels that {@link #launch} may choose for a weight. */
  List<Launch> all(int n, int splits) {
    return IntStream.concat(IntStream.of(FEW_ROWS), IntStream.of(MANY_ROWS))
        .mapToObj(rows -> launch(rows, 1, n, splits))
        .toList();
  }

  /** Returns the rows of blocks that take the least time, wave after wave; of equals the most. */
  private int manyRows(int m, int n, int splits) {
    int best = 0;
    int least = Integer.MAX_VALUE;
    for (int rows : MANY_ROWS) {
      int time = Divide.up(blocks(rows, m, n, splits), multiprocessors) * (START_ROWS + rows);
      if (time < least) {
        least = time;
        best = rows;
      }
    }
    return best;
  }

  private static int blocks(int rows, int m, int n, int splits) {
    return Divide.up(m, rows) * Divide.up(n, TILE) * splits;
  }

  /** As many stages as there is room for beside the blocks that share a multiprocessor. */
  private Launch launch(int rows, int m, int n, int splits) {
    int most = rows <= 32 ? 3 : rows == 64 ? 2 : 1; // kernels are compiled for them
    int resident = Math.min(most, Divide.up(blocks(rows, m, n, splits), multiprocessors));
    int stage = Divide.up(rows * (TILE + Float.BYTES) + TILE_BYTES, 1024) * 1024;
    int stages = (SHARED_KIB / resident - 2) * 1024 / stage;
    int shared = stages * (stage + BARRIER_BYTES) + 1024;
    String suffix = "n%d_c%d".formatted(rows, splits);
    return new Launch(suffix, rows, rows > TILE ? 384 : 288, stages, shared);
  }
}
