package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Chooses the kernel of a matrix product whose weight has codes of 4 or 8 bits; the arithmetic of
 * {@code src/main/cuda/README.md}. The choice never changes a result.
 *
 * @param hopper whether the device has Hopper's own products
 * @param multiprocessors multiprocessors of the device
 */
record CodedShapes(boolean hopper, int multiprocessors) {
  /**
   * Most rows of the kernel that streams weights, and the columns of y that one of its warps
   * computes.
   */
  private static final int FEW_ROWS = 32;

  private static final int UNIT = 16;

  /** Rows up to which codes of 8 bits, which memory alone limits, have a kernel of their own. */
  private static final int LEAST_ROWS = 8;

  private static final int[] ROWS = {64, 128};

  /** Rows of the tiles that blocks share, for more rows than a cluster takes. */
  private static final int[] TILE_ROWS = {256, 176, 128, 96};

  private static final int[] SPLITS = {8, 5, 2, 1};

  /** Columns of a tile of codes. */
  private static final int TILE = 128;

  /** Bytes of the scales of a tile that have the most: with offsets a 32 columns, or a 16. */
  private static final int MOST_STRIP_BYTES = TILE * 4 * 4;

  /** Shared memory of a multiprocessor, in KiB. */
  private static final int SHARED_KIB = 227;

  /** Returns the number of segments of the sum over k: a property of the weight. */
  static int splits(int n, int k) {
    int columns = Divide.up(n, TILE);
    int tiles = Divide.up(k, TILE);
    int most = columns >= 160 ? 1 : columns >= 60 ? 2 : columns >= 24 ? 5 : 8;
    return IntStream.of(SPLITS)
        .filter(splits -> splits <= most && tiles >= 2 * splits)
        .findFirst()
        .orElse(1);
  }

  /** Returns the launch for a number of rows of a weight with some columns. */
  ProductLaunch launch(CodeFormat format, int m, int n, int splits) {
    if (!hopper) {
      return mma(format, m <= 16 ? 16 : 64);
    }
    if (m <= FEW_ROWS) {
      return m <= LEAST_ROWS && bits(format) == 8 ? wgmma(format, 16, splits) : few(m, n, splits);
    }
    for (int rows : ROWS) {
      if (m <= rows) {
        return wgmma(format, rows, splits);
      }
    }
    return large(format, m, n, splits);
  }

  /** Returns every launch that {@link #launch} may choose for a weight. */
  List<ProductLaunch> all(CodeFormat format, int n, int splits) {
    List<ProductLaunch> all = new ArrayList<>();
    if (hopper && bits(format) == 8) {
      all.add(launch(format, 1, n, splits));
    }
    all.add(launch(format, FEW_ROWS, n, splits));
    for (int rows : ROWS) {
      all.add(launch(format, rows, n, splits));
    }
    if (hopper) {
      IntStream.of(TILE_ROWS).forEach(rows -> all.add(tiles(format, rows, splits)));
    }
    return all;
  }

  /**
   * Returns the launch whose blocks take the least time, wave after wave; of equals the largest.
   */
  private ProductLaunch large(CodeFormat format, int m, int n, int splits) {
    int best = TILE_ROWS[0];
    for (int rows : TILE_ROWS) {
      if (cost(m, n, rows) < cost(m, n, best)) {
        best = rows;
      }
    }
    return tiles(format, best, splits);
  }

  /** Returns what tiles take one after another, relatively; measured on an H200. */
  private int cost(int m, int n, int rows) {
    int tiles = Divide.up(m, rows) * Divide.up(n, TILE);
    return Divide.up(tiles, multiprocessors) * (28 + rows);
  }

  /**
   * Blocks that share out units of 16 columns: as many as run at once, one on a multiprocessor or,
   * so that large clusters find room, two; in clusters at most two rounds of units.
   */
  private ProductLaunch few(int m, int n, int splits) {
    int blocks = splits <= 2 ? 1 : 2;
    int warps = blocks == 1 ? 15 : 7;
    int free = splits <= 2 ? multiprocessors : multiprocessors - multiprocessors / 8;
    int most = Math.max(1, blocks * free / splits);
    if (splits > 1) {
      int rounds = blocks == 2 && m > UNIT ? 1 : 2;
      most = Math.max(most, Divide.up(Divide.up(n, UNIT), rounds * warps));
    }
    int shared = SHARED_KIB / blocks * 1024;
    return new ProductLaunch(
        "few_c" + splits,
        UNIT,
        FEW_ROWS,
        32 * (warps + 1),
        shared,
        splits,
        ProductLaunch.Sharing.COLUMNS,
        most);
  }

  /** A cluster of blocks, one for each segment. */
  private static ProductLaunch wgmma(CodeFormat format, int rows, int clusters) {
    int tiles = rows > 16 ? 2 : 1; // two share a read of x
    int blocks = rows == 16 ? 3 : 1;
    int stage = stageBytes(format, rows, tiles);
    int stages = (SHARED_KIB / blocks - 2) * 1024 / stage;
    int threads = rows == 64 ? 544 : rows == 128 ? 384 : 288;
    int shared = stages * stage + stages * 16 + 1024;
    String suffix = "n%d_c%d".formatted(rows, clusters);
    return new ProductLaunch(suffix, tiles * TILE, rows, threads, shared, clusters);
  }

  /** Blocks that take tile after tile, each with all its segments. */
  private ProductLaunch tiles(CodeFormat format, int rows, int splits) {
    boolean large = rows == TILE_ROWS[0];
    boolean whole = large && splits == 1;
    int sums = (whole ? 40 : large ? 64 : 20) * 1024; // of earlier segments, or to be written
    int codeStages = large ? (whole || bits(format) == 4 ? 3 : 2) : 0; // a ring of their own
    int stage = large ? rows * 128 : stageBytes(format, rows, 1);
    int rest = codeStages * stageBytes(format, 0, 1) + sums;
    int stages = (226 * 1024 - 512 - rest) / stage;
    int shared = stages * stage + rest + (stages + codeStages) * 16 + 1024;
    String suffix = "n%d_%s".formatted(rows, whole ? "whole" : "tiles");
    return new ProductLaunch(
        suffix, TILE, rows, 384, shared, 1, ProductLaunch.Sharing.TILES, multiprocessors);
  }

  /**
   * Returns the launch of products on other devices than Hopper, and of experts on all.
   *
   * @param rows 16 or 64
   */
  static ProductLaunch mma(CodeFormat format, int rows) {
    int stages = rows == 16 ? 4 : bits(format) == 4 ? 3 : 2;
    int shared = stages * stageBytes(format, rows, 1);
    return new ProductLaunch("mma_n" + rows, TILE, rows, 256, shared, 1);
  }

  private static int bits(CodeFormat format) {
    return format.codes().kind().bits();
  }

  private static int stageBytes(CodeFormat format, int rows, int tiles) {
    int tileBytes = (int) format.codeBytes((long) TILE * TILE) + MOST_STRIP_BYTES;
    return rows * 256 + tiles * tileBytes;
  }
}
