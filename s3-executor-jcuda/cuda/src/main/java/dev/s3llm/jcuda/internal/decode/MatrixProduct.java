package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.decode.CudaWeights.Matrix;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.FeedForward;

/** Launches matrix products {@code y[m][n] = x[m][k] w[n][k]^T}, plus bias. */
final class MatrixProduct {
  private static final int THREADS = 256;
  private static final int MOST_BLOCKS = 2048;

  /** Columns of a tile of activations, and those of a row that a thread gathers. */
  private static final int TILE = 64;

  private static final int PIECE = 8;

  private final KernelLauncher launcher;
  private final String prefix;
  private final String gather;
  private final ProductShapes shapes;
  private final CodedShapes coded;

  /**
   * Creates the products of a device.
   *
   * @param type number type of weights and activations
   * @param shapes chooses the kernels
   */
  MatrixProduct(KernelLauncher launcher, ElementType type, ProductShapes shapes) {
    this.launcher = launcher;
    this.prefix = "gemm_" + type.suffix() + "_";
    this.gather = "gather_columns_" + type.suffix();
    this.shapes = shapes;
    this.coded = new CodedShapes(shapes.hopper(), shapes.multiprocessors());
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
      return new Output(part.gated() ? 3 : 4, number(part.activation()), 1, 0);
    }

    private static int number(Activation activation) {
      return switch (activation) {
        case SILU -> 0;
        case GELU_TANH -> 1;
        case CLAMPED_SWIGLU -> 2;
      };
    }
  }

  /**
   * Puts a product into the stream.
   *
   * @param w the weight
   * @param x activations, in tiles
   * @param y receives the result
   * @param m rows
   * @param groups groups of eight rows that x has room for
   * @param stride elements of a row of y; for tiles, groups of eight rows that y has room for
   * @param output form of the result
   */
  void launch(
      DeviceStream stream,
      Matrix w,
      DeviceMemory x,
      DeviceAddress y,
      int m,
      int groups,
      int stride,
      Output output) {
    CodeFormat format = w.format();
    if (format != null) {
      launchCoded(stream, w, format, x, y, m, groups, stride, output);
      return;
    }
    int splits = ProductShapes.splits(w.out(), w.in());
    ProductLaunch c = shapes.configuration(m, w.out(), splits);
    launcher.launch(
        stream,
        prefix + c.suffix(),
        c.grid(m, w.out()),
        c.threads(),
        c.sharedBytes(),
        w.tiles(),
        x,
        y,
        w.bias(),
        m,
        w.out(),
        w.in(),
        groups,
        stride,
        output.mode,
        splits,
        output.activation,
        output.factor,
        output.cap);
  }

  private void launchCoded(
      DeviceStream stream,
      Matrix w,
      CodeFormat format,
      DeviceMemory x,
      DeviceAddress y,
      int m,
      int groups,
      int stride,
      Output output) {
    int splits = CodedShapes.splits(w.out(), w.in());
    ProductLaunch c = coded.launch(format, m, w.out(), splits);
    launcher.launch(
        stream,
        name(format, c),
        c.grid(m, w.out()),
        c.threads(),
        c.sharedBytes(),
        w.tiles(),
        x,
        y,
        w.bias(),
        m,
        w.out(),
        w.in(),
        groups,
        stride,
        output.mode,
        splits,
        output.activation,
        output.factor,
        output.cap,
        format.scales());
  }

  private String name(CodeFormat format, ProductLaunch c) {
    return prefix + format.suffix() + "_" + c.suffix();
  }

  /**
   * Brings the columns of activations into the order of a weight's columns.
   *
   * @param order column of x for each column of y
   * @param x activations, in tiles
   * @param y receives them, in tiles with as much room
   * @param m rows
   * @param columns columns of a row
   * @param groups groups of eight rows that x and y have room for
   */
  void gather(
      DeviceStream stream,
      DeviceAddress order,
      DeviceMemory x,
      DeviceMemory y,
      int m,
      int columns,
      int groups) {
    int pieces = Divide.up(columns, TILE) * TILE / PIECE;
    Grid grid = Grid.of(Math.min(MOST_BLOCKS, Divide.up(m * pieces, THREADS)));
    launcher.launch(stream, gather, grid, THREADS, 0, x, order, y, m, columns, groups);
  }

  /** Loads every kernel that a product with a weight may take, whatever the rows. */
  void load(Matrix w) {
    CodeFormat format = w.format();
    if (w.order() != null) {
      launcher.load(gather);
    }
    if (format == null) {
      int splits = ProductShapes.splits(w.out(), w.in());
      shapes.all(w.out(), splits).forEach(c -> launcher.load(prefix + c.suffix()));
    } else {
      int splits = CodedShapes.splits(w.out(), w.in());
      coded.all(format, w.out(), splits).forEach(c -> launcher.load(name(format, c)));
    }
  }
}
