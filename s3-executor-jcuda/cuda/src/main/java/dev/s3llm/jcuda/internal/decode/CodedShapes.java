package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Divide;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses the kernel of a matrix product whose weight has codes of 4 or 8 bits; the arithmetic of
 * {@code src/main/cuda/README.md}. The choice never changes a result.
 *
 * @param hopper whether the device has Hopper's own products
 * @param multiprocessors multiprocessors of the device
 */
record CodedShapes(boolean hopper, int multiprocessors) {
  private static final int[] ROWS = {16, 32, 64, 128, 256};
  private static final int LARGE_ROWS = 256;
  private static final int[] SERIAL_ROWS = {192, 128};

  /** Shared memory of a multiprocessor, in KiB. */
  private static final int SHARED_KIB = 227;

  /**
   * A launch; a block computes 128 columns.
   *
   * @param suffix end of the kernel's name after that of the codes
   * @param rows rows of y that a block computes
   * @param threads threads of a block
   * @param sharedBytes bytes of dynamic shared memory of a block
   * @param clusters blocks of a cluster, each with one segment of the sum over k
   */
  record Launch(String suffix, int rows, int threads, int sharedBytes, int clusters) {}

  /** Returns the number of segments of the sum over k: a property of the weight. */
  static int splits(int n, int k) {
    int columns = Divide.up(n, 128);
    int tiles = Divide.up(k, 128);
    int splits = columns >= 160 ? 1 : columns >= 60 ? 2 : columns >= 24 && tiles < 80 ? 4 : 8;
    while (splits > 1 && tiles < 2 * splits) {
      splits /= 2;
    }
    return splits;
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
    return splits == 1 ? wgmma(format, LARGE_ROWS, 1) : serial(format, m, n);
  }

  /** Returns every launch that {@link #launch} may choose for a weight. */
  List<Launch> all(CodeFormat format, int n, int splits) {
    List<Launch> all = new ArrayList<>();
    for (int rows : ROWS) {
      all.add(launch(format, rows, n, splits));
    }
    if (hopper && splits > 1) {
      for (int rows : SERIAL_ROWS) {
        all.add(serial(format, rows));
      }
    }
    return all;
  }

  /** Returns the launch whose blocks take the least time, wave after wave. */
  private Launch serial(CodeFormat format, int m, int n) {
    int best = 0;
    int least = Integer.MAX_VALUE;
    for (int rows : SERIAL_ROWS) {
      int waves = Divide.up(Divide.up(m, rows) * Divide.up(n, 128), multiprocessors);
      if (waves * (64 + rows) < least) {
        least = waves * (64 + rows);
        best = rows;
      }
    }
    return serial(format, best);
  }

  /** A cluster of blocks, one for each segment. */
  private static Launch wgmma(CodeFormat format, int rows, int clusters) {
    return wgmma(format, rows, "c" + clusters, clusters);
  }

  /** One block for all segments, one after another. */
  private static Launch serial(CodeFormat format, int rows) {
    return wgmma(format, rows, "serial", 1);
  }

  private static Launch wgmma(CodeFormat format, int rows, String suffix, int clusters) {
    int blocks = rows <= 32 ? 3 : rows == 64 ? 2 : 1;
    int stage = stageBytes(format, rows);
    int stages = (SHARED_KIB / blocks - 2) * 1024 / stage;
    int threads = rows < 128 ? 288 : 384;
    int shared = stages * stage + stages * 16 + 1024;
    return new Launch("n%d_%s".formatted(rows, suffix), rows, threads, shared, clusters);
  }

  /**
   * Returns the launch of products on other devices than Hopper, and of experts on all.
   *
   * @param rows 16 or 64
   */
  static Launch mma(CodeFormat format, int rows) {
    int stages = rows == 16 ? 4 : format.codes().kind().bits() == 4 ? 3 : 2;
    return new Launch("mma_n" + rows, rows, 256, stages * stageBytes(format, rows), 1);
  }

  private static int stageBytes(CodeFormat format, int rows) {
    return rows * 256 + (format.codes().kind().bits() == 4 ? 10_240 : 17_408);
  }
}
