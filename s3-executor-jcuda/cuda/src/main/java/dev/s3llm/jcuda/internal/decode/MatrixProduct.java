package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.decode.ProductShapes.Configuration;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig.FeedForward;
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

  /**
   * The form in which a product leaves its result.
   *
   * @param mode number of the form in the kernels
   * @param activation number of the function in the kernels; 0 where there is none
   * @param factor factor of results in rows of float
   * @param cap results become {@code cap * tanh(result / cap)}; 0 for none
   */
  record Output(int mode, int activation, float factor, float cap) {
    /** Rows of the number type, plus bias. */
    static final Output ROWS = new Output(0, 0, 1, 0);

    /** Rows of float, plus bias. */
    static final Output FLOAT_ROWS = scaledRows(1, 0);

    /** Rows of float, plus bias, times a factor, capped. */
    static Output scaledRows(float factor, float cap) {
      return new Output(1, 0, factor, cap);
    }

    /** Added to rows of float, plus bias, times a factor. */
    static Output added(float factor) {
      return new Output(2, 0, factor, 0);
    }

    /**
     * Activation tiles of a feed-forward part's first product: {@code f(gate) * up}, half as wide,
     * or {@code f(result)} where the part has no gate.
     */
    static Output activated(FeedForward part) {
      return new Output(part.gated() ? 3 : 4, part.activation().ordinal(), 1, 0);
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
        splits,
        output.activation,
        output.factor,
        output.cap);
  }

  /** Loads every kernel that a product with a weight {@code [n][k]} may take, whatever the rows. */
  void load(int n, int k) {
    shapes.all(n, ProductShapes.splits(n, k)).forEach(c -> launcher.load(prefix + c.suffix()));
  }
}
