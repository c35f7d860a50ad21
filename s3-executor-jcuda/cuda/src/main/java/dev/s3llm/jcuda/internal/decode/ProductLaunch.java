package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;

/**
 * The launch of a matrix product's kernel, for any number of rows and columns.
 *
 * @param suffix end of the kernel's name
 * @param columns columns of y that a block computes, or that blocks share out
 * @param rows rows of y that a block computes
 * @param threads threads of a block
 * @param sharedBytes bytes of dynamic shared memory of a block
 * @param clusters blocks of a cluster: each has one segment of the sum over k, or where tiles are
 *     shared out, a tile beside those of the others
 * @param sharing what the blocks, or clusters, share out among them
 * @param most clusters at most that share columns, or blocks at most that share tiles
 */
record ProductLaunch(
    String suffix,
    int columns,
    int rows,
    int threads,
    int sharedBytes,
    int clusters,
    Sharing sharing,
    int most) {

  /** What the blocks of a grid may share out: the columns of y, or its tiles. */
  enum Sharing {
    COLUMNS,
    TILES
  }

  /** A launch with a block, or a cluster, for each tile. */
  ProductLaunch(String suffix, int columns, int rows, int threads, int sharedBytes, int clusters) {
    this(suffix, columns, rows, threads, sharedBytes, clusters, Sharing.COLUMNS, Integer.MAX_VALUE);
  }

  /** Returns the grid for a product's rows and columns. */
  Grid grid(int m, int n) {
    int across = Divide.up(n, columns);
    return switch (sharing) {
      case COLUMNS -> new Grid(clusters, Divide.up(m, rows), Math.min(most, across));
      case TILES -> {
        int tiles = Divide.up(m, rows * clusters) * across;
        yield Grid.of(clusters * Math.min(most / clusters, tiles));
      }
    };
  }
}
