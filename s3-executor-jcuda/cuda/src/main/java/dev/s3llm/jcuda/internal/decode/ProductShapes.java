package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
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
  /** Rows of the kernels for few rows; more take tiles. */
  private static final int[] ROWS = {16, 32, 64};

  private static final List<Tile> TILES = tiles();

  private static final int MOST_SPLITS = 8;

  /** Tiles of 64 columns of x below which sums are short, so that more segments gain nothing. */
  private static final int SHORT_SUM = 64;

  /**
   * A tile for many rows.
   *
   * @param rows rows of y
   * @param columns columns of y
   * @param cluster blocks with a tile each, under one another, that fetch the weight together
   */
  private record Tile(int rows, int columns, int cluster) {
    private static final int MOST_SEGMENTED_COLUMNS = 192;
    private static final int MOST_ROWS_OF_SMALL_TILES = 128;

    boolean takes(int splits) {
      return splits == 1 || columns <= MOST_SEGMENTED_COLUMNS;
    }

    boolean suits(int m) {
      return m > MOST_ROWS_OF_SMALL_TILES ? rows == 128 : cluster == 1;
    }

    /** Returns what the tiles take one after another, relatively, as measured. */
    int cost(int m, int n, int multiprocessors) {
      int tiles = Divide.up(m, rows * cluster) * cluster * Divide.up(n, columns);
      int share = rows == 64 ? 15 : cluster == 2 ? 19 : 20;
      return Divide.up(tiles, multiprocessors) * (32 + columns) * share;
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
    int splits = tiles >= 90 ? 1 : tiles >= few ? 2 : tiles >= 24 ? 4 : MOST_SPLITS;
    while (splits > 1 && columns < 4 * splits) {
      splits /= 2;
    }
    return splits;
  }

  /** Returns the launch for a number of rows. */
  ProductLaunch configuration(int m, int n, int splits) {
    return hopper ? wgmma(m, n, splits) : mma(m);
  }

  /** Returns every launch that {@link #configuration} may choose for a weight. */
  List<ProductLaunch> all(int n, int splits) {
    List<ProductLaunch> all = new ArrayList<>();
    if (!hopper) {
      IntStream.of(16, 64, 128).forEach(m -> all.add(mma(m)));
      return all;
    }
    IntStream.of(ROWS).forEach(m -> all.add(configuration(m, n, splits)));
    all.add(configuration(128, n, splits));
    TILES.stream().filter(tile -> tile.takes(splits)).forEach(tile -> all.add(tiled(tile)));
    return all;
  }

  private ProductLaunch wgmma(int m, int n, int splits) {
    for (int rows : ROWS) {
      if (m <= rows) {
        return splits == 1 ? whole(n, rows) : clusters(rows, n, splits);
      }
    }
    if (m <= 128 && splits == MOST_SPLITS && Divide.up(n, 192) * splits <= clusterRoom()) {
      return clustered(3, 128, splits); // one block for all segments would take too long
    }
    return tiled(tile(m, n, splits));
  }

  /** Returns the tile that costs least, the first of equals. */
  private Tile tile(int m, int n, int splits) {
    Tile best = TILES.get(0);
    int least = Integer.MAX_VALUE;
    for (Tile tile : TILES) {
      int cost = tile.cost(m, n, multiprocessors);
      if (tile.takes(splits) && tile.suits(m) && cost < least) {
        best = tile;
        least = cost;
      }
    }
    return best;
  }

  /** Returns the launch of a product with several segments, a cluster of blocks for each tile. */
  private ProductLaunch clusters(int rows, int n, int splits) {
    int blocks = Divide.up(n, 128) * splits;
    if (rows == 16 && blocks <= multiprocessors) {
      return clustered(2, 16, splits);
    }
    if (rows == 64 && blocks <= (splits == 2 ? multiprocessors : clusterRoom())) {
      return clustered(2, 64, splits);
    }
    if (rows == 64 && Divide.up(n, 192) * splits <= clusterRoom()) {
      return clustered(3, 64, splits); // each of these blocks needs a multiprocessor
    }
    return clustered(2, Math.max(32, rows), splits);
  }

  /** Returns the launch of a product with one segment. */
  private ProductLaunch whole(int n, int rows) {
    int tiles = Divide.up(n, 128);
    boolean fitByOne = tiles <= multiprocessors;
    boolean fitByThree = tiles > 2 * multiprocessors && tiles <= 3 * multiprocessors;
    if (fitByThree || (rows == 16 && !fitByOne && tiles <= 2 * multiprocessors)) {
      return many(rows);
    }
    return rows == 64 && fitByOne ? deep() : clustered(2, rows, 1);
  }

  /** Returns the multiprocessors that clusters can fill: 10 of 11, 120 of an H200's 132. */
  private int clusterRoom() {
    return multiprocessors - multiprocessors / 11;
  }

  private static List<Tile> tiles() {
    List<Tile> tiles = new ArrayList<>();
    IntStream.of(64, 80, 112).forEach(n -> tiles.add(new Tile(64, n, 1)));
    IntStream.of(64, 80, 96, 112, 128, 144, 160, 192, 224, 240, 256)
        .forEach(n -> tiles.add(new Tile(128, n, 1)));
    IntStream.of(160, 192, 240).forEach(n -> tiles.add(new Tile(128, n, 2)));
    return List.copyOf(tiles);
  }

  /** Blocks that take tile after tile, each with all segments. */
  private ProductLaunch tiled(Tile tile) {
    int stage = (tile.rows + tile.columns) * 128;
    int patches = tile.rows * 160;
    int stages = (226 * 1024 - 256 - patches) / (stage + 16);
    String suffix = "m%d_n%d%s".formatted(tile.rows, tile.columns, tile.cluster > 1 ? "_pair" : "");
    return new ProductLaunch(
        suffix,
        tile.columns,
        tile.rows,
        2 * tile.rows + 128,
        stages * (stage + 16) + patches + 1024,
        tile.cluster,
        ProductLaunch.Sharing.TILES,
        multiprocessors);
  }

  /** Small blocks, of which three share a multiprocessor. */
  private static ProductLaunch many(int rows) {
    int stages = rows == 16 ? 4 : 3;
    return new ProductLaunch(
        "r2_n%d_many".formatted(rows), 128, rows, threads(2), shared(2, rows, stages), 1);
  }

  /** A cluster of blocks, one for each segment. */
  private static ProductLaunch clustered(int r, int rows, int splits) {
    String suffix = "r%d_n%d_c%d".formatted(r, rows, splits);
    int stages =
        switch (rows) {
          case 16 -> 6;
          case 64 -> r == 3 ? 6 : 4;
          default -> 5;
        };
    return new ProductLaunch(suffix, 64 * r, rows, threads(r), shared(r, rows, stages), splits);
  }

  /** A block of 64 rows that fills the shared memory of a multiprocessor. */
  private static ProductLaunch deep() {
    return new ProductLaunch("r2_n64_deep", 128, 64, threads(2), shared(2, 64, 9), 1);
  }

  /** Returns the launch of products on other devices than Hopper, and of experts on all. */
  static ProductLaunch mma(int m) {
    int rows = m <= 16 ? 16 : m <= 64 ? 64 : 128;
    int columns = rows == 128 ? 128 : 64;
    int stages = rows == 16 ? 6 : rows == 64 ? 5 : 3;
    int threads = rows == 128 ? 256 : 128;
    return new ProductLaunch(
        "mma_n" + rows, columns, rows, threads, stages * (columns + rows) * 128, 1);
  }

  private static int threads(int r) {
    return 128 * r + 32;
  }

  private static int shared(int r, int rows, int stages) {
    return stages * (r * 8192 + rows * 128) + stages * 16 + 1024;
  }
}
