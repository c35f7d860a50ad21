package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Chooses the kernel of a matrix product {@code y[m][n] = x[m][k] w[n][k]^T} by its sizes and the
 * device; the arithmetic of {@code src/main/cuda/README.md}. The choice never changes a result: all
 * kernels cut the sum over k alike, and {@link #splits} is a property of the weight.
 *
 * @param hopper whether the device has Hopper's own products
 * @param multiprocessors multiprocessors of the device
 */
record ProductShapes(boolean hopper, int multiprocessors) {
  private static final int[] ROWS = {16, 32, 64, 128};
  private static final int LARGE_ROWS = 256;

  /** Rows of a tile for many rows. */
  private static final int TILE_ROWS = 128;

  /** Columns of the tiles for many rows and several segments. */
  private static final int[] SEGMENTED = {192, 160, 128, 64};

  /** Columns of the tiles for many rows and one segment. */
  private static final int WHOLE_COLUMNS = 224;

  /** Tiles of 64 columns of x below which sums are short, so that more segments gain nothing. */
  private static final int SHORT_SUM = 64;

  /**
   * A launch.
   *
   * @param suffix end of the kernel's name
   * @param columns columns of y that a block computes
   * @param rows rows of y that a block computes
   * @param threads threads of a block
   * @param sharedBytes bytes of dynamic shared memory of a block
   * @param clusters blocks of a cluster, each with one segment of the sum over k
   * @param most blocks of the grid at most, which share the tiles; 0 for one for each tile
   */
  record Configuration(
      String suffix, int columns, int rows, int threads, int sharedBytes, int clusters, int most) {

    /** Returns the grid for a product's rows and columns. */
    Grid grid(int m, int n) {
      int down = Divide.up(m, rows);
      int across = Divide.up(n, columns);
      return most > 0 ? Grid.of(Math.min(most, down * across)) : new Grid(clusters, down, across);
    }
  }

  /**
   * Returns the number of segments of the sum over k. The thresholds are no multiple of a device's
   * multiprocessors: results must be the same on every device.
   */
  static int splits(int n, int k) {
    int tiles = Divide.up(n, 128);
    int columns = Divide.up(k, 64);
    int few = columns < SHORT_SUM ? 48 : 60;
    int splits = tiles >= 90 ? 1 : tiles >= few ? 2 : tiles >= 24 ? 4 : 8;
    while (splits > 1 && columns < 4 * splits) {
      splits /= 2;
    }
    return splits;
  }

  /** Returns the launch for a number of rows. */
  Configuration configuration(int m, int n, int splits) {
    return hopper ? wgmma(m, n, splits) : mma(m);
  }

  /** Returns every launch that {@link #configuration} may choose for a weight. */
  List<Configuration> all(int n, int splits) {
    List<Configuration> all = new ArrayList<>();
    IntStream.concat(IntStream.of(ROWS), IntStream.of(LARGE_ROWS))
        .forEach(m -> all.add(configuration(m, n, splits)));
    if (hopper) {
      IntStream.of(splits > 1 ? SEGMENTED : new int[] {WHOLE_COLUMNS})
          .forEach(columns -> all.add(large(columns)));
      all.add(clustered(2, LARGE_ROWS, splits));
    }
    return all;
  }

  private Configuration wgmma(int m, int n, int splits) {
    int rows = LARGE_ROWS;
    for (int i = ROWS.length - 1; i >= 0 && m <= ROWS[i]; i--) {
      rows = ROWS[i];
    }
    if (splits == 1) {
      return whole(m, n, rows);
    }
    if (m > LARGE_ROWS) {
      return large(m, n);
    }
    return clusters(rows, n, splits);
  }

  /** Returns the launch of a product with several segments, a cluster of blocks for each tile. */
  private Configuration clusters(int rows, int n, int splits) {
    int blocks = Divide.up(n, 128) * splits;
    if (rows == 16 && blocks <= multiprocessors) {
      return clustered(2, 16, splits);
    }
    if (rows == 64 && blocks <= (splits == 2 ? multiprocessors : clusterRoom())) {
      return clustered(2, 64, splits);
    }
    if (rows > 32 && Divide.up(n, 192) * splits <= clusterRoom()) {
      return clustered(3, rows, splits); // each of these blocks needs a multiprocessor
    }
    return clustered(rows == 128 ? 4 : 2, Math.max(32, rows), splits);
  }

  /** Returns the launch of a product with one segment. */
  private Configuration whole(int m, int n, int rows) {
    int tiles = Divide.up(n, 128);
    boolean fitByThree = tiles > 2 * multiprocessors && tiles <= 3 * multiprocessors;
    if (fitByThree) {
      return rows < 128 ? many(rows) : clustered(3, 128, 1);
    }
    boolean fitByOne = tiles <= multiprocessors;
    if (rows == 16 && !fitByOne && tiles <= 2 * multiprocessors) {
      return many(rows);
    }
    if (rows == 128 && !fitByOne && Divide.up(n, 192) <= multiprocessors) {
      return clustered(3, rows, 1);
    }
    if (rows == LARGE_ROWS && cost(m, n, WHOLE_COLUMNS) < cost(m, LARGE_ROWS, n, 128)) {
      return large(WHOLE_COLUMNS);
    }
    boolean deep = (rows == 64 || rows == 128) && fitByOne;
    return deep ? deep(rows) : clustered(rows == 128 ? 4 : 2, rows, 1);
  }

  /** Returns the multiprocessors that clusters can fill: 10 of 11, 120 of an H200's 132. */
  private int clusterRoom() {
    return multiprocessors - multiprocessors / 11;
  }

  /** Returns the launch of a product with several segments, the one with more columns of equals. */
  private Configuration large(int m, int n) {
    int best = SEGMENTED[0];
    for (int columns : SEGMENTED) {
      if (cost(m, n, columns) < cost(m, n, best)) {
        best = columns;
      }
    }
    return large(best);
  }

  private int cost(int m, int n, int columns) {
    return cost(m, TILE_ROWS, n, columns);
  }

  /**
   * Returns what tiles take one after another, relatively: a tile's time is that of bringing both
   * operands from the second-level cache.
   */
  private int cost(int m, int rows, int n, int columns) {
    int tiles = Divide.up(m, rows) * Divide.up(n, columns);
    return Divide.up(tiles, multiprocessors) * (rows + columns);
  }

  /** Blocks that take tile after tile, each with all its segments. */
  private Configuration large(int columns) {
    int stage = (TILE_ROWS + columns) * 128;
    int stages = (226 * 1024 - 256) / (stage + 16);
    String suffix = "m%d_n%d".formatted(TILE_ROWS, columns);
    int shared = stages * (stage + 16) + 1024;
    return new Configuration(suffix, columns, TILE_ROWS, 384, shared, 1, multiprocessors);
  }

  /** Small blocks, of which three share a multiprocessor. */
  private static Configuration many(int rows) {
    int stages = rows == 16 ? 4 : 3;
    return new Configuration(
        "r2_n%d_many".formatted(rows), 128, rows, threads(2, rows), shared(2, rows, stages), 1, 0);
  }

  /** A cluster of blocks, one for each segment. */
  private static Configuration clustered(int r, int rows, int splits) {
    String suffix = "r%d_n%d_c%d".formatted(r, rows, splits);
    return new Configuration(
        suffix, 64 * r, rows, threads(r, rows), shared(r, rows, stages(r, rows)), splits, 0);
  }

  /** A block that fills the shared memory of a multiprocessor. */
  private static Configuration deep(int rows) {
    int stages = rows == 64 ? 9 : 7;
    return new Configuration(
        "r2_n%d_deep".formatted(rows), 128, rows, 288, shared(2, rows, stages), 1, 0);
  }

  /** Returns the launch of products on other devices than Hopper, and of experts on all. */
  static Configuration mma(int m) {
    int rows = m <= 16 ? 16 : m <= 64 ? 64 : 128;
    int columns = rows == 128 ? 128 : 64;
    int stages = rows == 16 ? 6 : rows == 64 ? 5 : 3;
    int threads = rows == 128 ? 256 : 128;
    return new Configuration(
        "mma_n" + rows, columns, rows, threads, stages * (columns + rows) * 128, 1, 0);
  }

  private static int threads(int r, int rows) {
    return 128 * r + (rows > 128 ? 128 : 32);
  }

  private static int stages(int r, int rows) {
    return switch (rows) {
      case 16 -> 6;
      case 32 -> 5;
      case 64 -> r == 3 ? 6 : 4;
      case 128 -> r == 3 ? 5 : 4;
      default -> 4;
    };
  }

  private static int shared(int r, int rows, int stages) {
    return stages * (r * 8192 + rows * 128) + stages * 16 + 1024;
  }
}
