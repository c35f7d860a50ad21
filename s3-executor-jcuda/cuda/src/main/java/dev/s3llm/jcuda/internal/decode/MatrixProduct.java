package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.decode.ProductShapes.Configuration;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import org.jspecify.annotations.Nullable;

/** Launches matrix products {@code y[m][n] = x[m][k] w[n][k]^T}, plus bias. */
final class MatrixProduct {
  private final KernelLauncher launcher;
  private final String prefix;
  private final ProductShapes shapes;

  /**
   * Creates the products of a device.
   *
   * @param type number type of weights and activations
   * @param shapes chooses the kernels
   */
  MatrixProduct(KernelLauncher launcher, ElementType type, ProductShapes shapes) {
    this.launcher = launcher;
    this.prefix = "gemm_" + type.suffix() + "_";
    this.shapes = shapes;
  }

  /** The form in which a product leaves its result. */
  enum Output {
    /** Rows of the number type, plus bias. */
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

  /**
   * Puts a product into the stream.
   *
   * @param w the weight, in tiles
   * @param x activations, in tiles
   * @param y receives the result
   * @param bias {@code [n]}, or null
   * @param m rows
   * @param n width of the result
   * @param k width of the activations
   * @param groups groups of eight rows that x has room for
   * @param stride elements of a row of y; for tiles, groups of eight rows that y has room for
   * @param output form of the result
   */
  void launch(
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
    int splits = ProductShapes.splits(n, k);
    Configuration c = shapes.configuration(m, n, splits);
    launcher.launch(
        stream,
        prefix + c.suffix(),
        new Grid(c.clusters(), Divide.up(m, c.rows()), Divide.up(n, c.columns())),
        c.threads(),
        c.sharedBytes(),
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

  /** Loads every kernel that a product with a weight {@code [n][k]} may take, whatever the rows. */
  void load(int n, int k) {
    shapes.all(n, ProductShapes.splits(n, k)).forEach(c -> launcher.load(prefix + c.suffix()));
  }
}
