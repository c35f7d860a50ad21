package dev.s3llm.jcuda.internal.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the kernel of a matrix product {@code y[m][n] = x[m][k] w[n][k]^T} and launches it; the
 * arithmetic of {@code src/main/cuda/README.md}. The cut of the sum over k is a property of the
 * weight, so a row's result never depends on how many rows there are.
 */
public final class MatrixProduct {
  private static final int[] ROWS = {16, 32, 64, 128};
  private static final int LARGE_ROWS = 256;
  private static final int[] SERIAL_ROWS = {192, 128, 64};
  private static final int HOPPER = 90;

  /** Of an H200; blocks that fit at once when they share multiprocessors by two and by three. */
  private static final int MULTIPROCESSORS = 132;

  private static final int TWO_EACH = 2 * MULTIPROCESSORS;
  private static final int THREE_EACH = 3 * MULTIPROCESSORS;

  private final KernelModule kernels;
  private final String type;
  private final boolean hopper;

  /**
   * Creates the products of a device.
   *
   * @param type {@code f16} or {@code bf16}
   */
  public MatrixProduct(KernelModule kernels, String type, int computeCapability) {
    this.kernels = kernels;
    this.type = type;
    this.hopper = computeCapability == HOPPER;
  }

  /** Where a product's result goes, and in which form. */
  public enum Output {
    /** Rows of the type, plus bias. */
    ROWS(0),
    /** Rows of float, plus bias. */
    FLOAT_ROWS(1),
    /** Added to rows of float, plus bias. */
    ADDED(2),
    /** {@code silu(gate) * up} as activation tiles, half as wide. */
    GATED_TILES(3),
    /** {@code gelu(result + bias)} as activation tiles. */
    GELU_TILES(4);

    private final int mode;

    Output(int mode) {
      this.mode = mode;
    }
  }

  /** A launch: kernel suffix, columns and rows of a block, threads, shared bytes, clusters. */
  record Configuration(
      String suffix, int columns, int rows, int threads, int sharedBytes, int clusters) {}

  /**
   * Puts a product into the stream.
   *
   * @param groups eighths of the row capacity of x
   * @param stride of y: elements, or groups for tiles
   */
  public void launch(
      DeviceStream stream,
      DeviceMemory w,
      DeviceMemory x,
      DeviceMemory y,
      @Nullable DeviceMemory bias,
      int m,
      int n,
      int k,
      int groups,
      int stride,
      Output output) {
    int splits = splits(n, k);
    Configuration c = hopper ? configuration(m, n, splits) : mma(m);
    int[] grid = {c.clusters, ceil(m, c.rows), ceil(n, c.columns)};
    kernels.launch(
        stream,
        kernel(c),
        grid,
        c.threads,
        c.sharedBytes,
        w,
        x,
        y,
        bias,
        m,
        n,
        k,
        groups,
        stride,
        output.mode,
        splits);
  }

  /** Loads every kernel that a product with such a weight may take, whatever the rows. */
  public void load(int n, int k) {
    configurations(hopper, n, splits(n, k)).forEach(c -> kernels.load(kernel(c)));
  }

  /** What {@link #launch} may choose for a weight. */
  static List<Configuration> configurations(boolean hopper, int n, int splits) {
    List<Configuration> all = new ArrayList<>();
    IntStream.concat(IntStream.of(ROWS), IntStream.of(LARGE_ROWS))
        .forEach(m -> all.add(hopper ? configuration(m, n, splits) : mma(m)));
    if (hopper && splits > 1) {
      IntStream.of(SERIAL_ROWS).forEach(rows -> all.add(serial(rows)));
    }
    return all;
  }

  private String kernel(Configuration c) {
    return "gemm_" + type + "_" + c.suffix;
  }

  /** Segments of the sum over k: a property of the weight, never of the batch. */
  static int splits(int n, int k) {
    int tiles = ceil(n, 128);
    int splits = tiles >= 90 ? 1 : tiles >= 60 ? 2 : tiles >= 24 ? 4 : 8;
    while (splits > 1 && ceil(k, 64) < 4 * splits) {
      splits /= 2;
    }
    return splits;
  }

  static Configuration configuration(int m, int n, int splits) {
    int rows = LARGE_ROWS;
    for (int i = ROWS.length - 1; i >= 0 && m <= ROWS[i]; i--) {
      rows = ROWS[i];
    }
    int tiles = ceil(n, 128);
    if (splits == 1) {
      if (tiles > TWO_EACH && tiles <= THREE_EACH) {
        return rows < 128 ? many(rows) : clustered(3, 128, 1);
      }
      boolean deep = (rows == 64 || rows == 128) && tiles <= MULTIPROCESSORS;
      return deep ? deep(rows) : clustered(rows == 128 ? 4 : 2, rows, 1);
    }
    if (m > LARGE_ROWS) {
      return serial(m, tiles);
    }
    if (rows > 32 && ceil(n, 192) * splits <= 120) { // these blocks need a multiprocessor each
      return clustered(3, rows, splits);
    }
    return clustered(rows == 128 ? 4 : 2, Math.max(32, rows), splits);
  }

  /** Of the sizes of a block, the one whose waves take least; the larger among equals. */
  private static Configuration serial(int m, int tiles) {
    int best = 0;
    int least = Integer.MAX_VALUE;
    for (int rows : SERIAL_ROWS) {
      int waves = ceil(ceil(m, rows) * tiles, MULTIPROCESSORS);
      if (waves * (64 + rows) < least) {
        least = waves * (64 + rows);
        best = rows;
      }
    }
    return serial(best);
  }

  private static Configuration serial(int rows) {
    int stages = rows == 64 ? 9 : rows == 128 ? 7 : 5;
    return new Configuration(
        "r2_n%d_serial".formatted(rows), 128, rows, threads(2, rows), shared(2, rows, stages), 1);
  }

  private static Configuration many(int rows) {
    int stages = rows == 16 ? 4 : 3;
    return new Configuration(
        "r2_n%d_many".formatted(rows), 128, rows, threads(2, rows), shared(2, rows, stages), 1);
  }

  private static int threads(int r, int rows) {
    return 128 * r + (rows > 128 ? 128 : 32);
  }

  private static Configuration clustered(int r, int rows, int splits) {
    String suffix = "r%d_n%d_c%d".formatted(r, rows, splits);
    return new Configuration(
        suffix, 64 * r, rows, threads(r, rows), shared(r, rows, stages(r, rows)), splits);
  }

  private static Configuration deep(int rows) {
    int stages = rows == 64 ? 9 : 7;
    return new Configuration(
        "r2_n%d_deep".formatted(rows), 128, rows, 288, shared(2, rows, stages), 1);
  }

  static Configuration mma(int m) {
    int rows = m <= 16 ? 16 : m <= 64 ? 64 : 128;
    int columns = rows == 128 ? 128 : 64;
    int stages = rows == 16 ? 6 : rows == 64 ? 5 : 3;
    int threads = rows == 128 ? 256 : 128;
    return new Configuration(
        "mma_n" + rows, columns, rows, threads, stages * (columns + rows) * 128, 1);
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

  private static int ceil(int a, int b) {
    return (a + b - 1) / b;
  }
}
