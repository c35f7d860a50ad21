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
  private static final int[] ROWS = {16, 32, 64, 128};
  private static final int LARGE_ROWS = 256;
  private static final int[] SERIAL_ROWS = {192, 128, 96};
  private static final int[] SPLITS = {8, 5, 2, 1};

  /** Columns of a tile of codes. */
  private static final int TILE = 128;

  /** Bytes of the scales of a tile that have the most: with offsets a 32 columns, or a 16. */
  private static final int MOST_STRIP_BYTES = TILE * 4 * 4;

  /** Shared memory of a multiprocessor, in KiB. */
  private static final int SHARED_KIB = 227;

  /**
   * A launch.
   *
   * @param suffix end of the kernel's name after that of the codes
   * @param columns columns of y that a block computes
   * @param rows rows of y that a block computes
   * @param threads threads of a block
   * @param sharedBytes bytes of dynamic shared memory of a block
   * @param clusters blocks of a cluster, each with one segment of the sum over k
   */
  record Launch(String suffix, int columns, int rows, int threads, int sharedBytes, int clusters) {}

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
  Launch launch(CodeFormat format, int m, int n, int splits) {
    if (!hopper) {
      return mma(format, m <= 16 ? 16 : 64);
    }
    for (int rows : ROWS) {
      if (m <= rows) {
        return wgmma(format, rows, splits);
      }
    }
    return large(format, m, n, splits);
  }

  /** Returns every launch that {@link #launch} may choose for a weight. */
  List<Launch> all(CodeFormat format, int n, int splits) {
    List<Launch> all = new ArrayList<>();
    for (int rows : ROWS) {
      all.add(launch(format, rows, n, splits));
    }
    if (hopper) {
      for (int rows : SERIAL_ROWS) {
        all.add(serial(format, rows));
      }
      if (splits <= 2) {
        all.add(wgmma(format, LARGE_ROWS, splits));
      }
    }
    return all;
  }

  /**
   * Returns the launch whose blocks take the least time, wave after wave; of equals the largest.
   */
  private Launch large(CodeFormat format, int m, int n, int splits) {
    int columns = Divide.up(n, TILE);
    int best = 0;
    int least = Integer.MAX_VALUE;
    if (splits <= 2) {
      best = LARGE_ROWS;
      int block = splits == 1 ? 64 + LARGE_ROWS : (64 + LARGE_ROWS) / 2 + 24; // and for the cluster
      least = waves(Divide.up(m, LARGE_ROWS) * columns * splits) * block;
    }
    for (int rows : SERIAL_ROWS) {
      int time = waves(Divide.up(m, rows) * columns) * (64 + rows);
      if (time < least) {
        least = time;
        best = rows;
      }
    }
    return best == LARGE_ROWS ? wgmma(format, best, splits) : serial(format, best);
  }

  private int waves(int blocks) {
    return Divide.up(blocks, multiprocessors);
  }

  /** A cluster of blocks, one for each segment. */
  private static Launch wgmma(CodeFormat format, int rows, int clusters) {
    int tiles = rows == 64 || rows == 128 ? 2 : 1; // two share a read of x
    return wgmma(format, rows, tiles, "c" + clusters, clusters);
  }

  /** One block for all segments, one after another. */
  private static Launch serial(CodeFormat format, int rows) {
    return wgmma(format, rows, 1, "serial", 1);
  }

  private static Launch wgmma(CodeFormat format, int rows, int tiles, String suffix, int clusters) {
    int blocks = rows == 16 ? 3 : rows == 32 ? 2 : 1;
    int stage = stageBytes(format, rows, tiles);
    int stages = (SHARED_KIB / blocks - 2) * 1024 / stage;
    int threads = rows == 64 ? 544 : rows < 128 ? 288 : 384;
    int shared = stages * stage + stages * 16 + 1024;
    return new Launch(
        "n%d_%s".formatted(rows, suffix), tiles * TILE, rows, threads, shared, clusters);
  }

  /**
   * Returns the launch of products on other devices than Hopper, and of experts on all.
   *
   * @param rows 16 or 64
   */
  static Launch mma(CodeFormat format, int rows) {
    int stages = rows == 16 ? 4 : format.codes().kind().bits() == 4 ? 3 : 2;
    return new Launch("mma_n" + rows, TILE, rows, 256, stages * stageBytes(format, rows, 1), 1);
  }

  private static int stageBytes(CodeFormat format, int rows, int tiles) {
    int tileBytes = (int) format.codeBytes((long) TILE * TILE) + MOST_STRIP_BYTES;
    return rows * 256 + tiles * tileBytes;
  }
}
