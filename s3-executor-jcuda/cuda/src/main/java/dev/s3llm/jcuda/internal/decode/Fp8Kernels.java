package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.decode.CudaWeights.Matrix;
import dev.s3llm.jcuda.internal.decode.MatrixProduct.Output;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.RoundedInput;

/**
 * Launches matrix products {@code y[m][n] = x[m][k] w[n][k]^T}, plus bias, whose input is rounded
 * to e4m3 first: two kernels.
 */
final class Fp8Kernels {
  /** Columns of y that a block computes. */
  private static final int COLUMNS = 128;

  private static final int ROUNDING_THREADS = 512;

  private final KernelLauncher launcher;
  private final String round;
  private final String prefix;
  private final Fp8Shapes shapes;

  /**
   * Creates the products of a device.
   *
   * @param launcher launches kernels of products with both operands in 8 bits
   * @param type number type of activations
   * @param shapes chooses the kernels
   */
  Fp8Kernels(KernelLauncher launcher, ElementType type, Fp8Shapes shapes) {
    this.launcher = launcher;
    this.round = "round_rows_" + type.suffix();
    this.prefix = "fp8_gemm_" + type.suffix() + "_";
    this.shapes = shapes;
  }

  /**
   * Puts a product into the stream; as {@link MatrixProduct#launch}.
   *
   * @param input how x is rounded
   * @param rounded receives x rounded
   */
  void launch(
      DeviceStream stream,
      Matrix w,
      RoundedInput input,
      DeviceMemory x,
      RoundedRows rounded,
      DeviceAddress y,
      int m,
      int groups,
      int stride,
      Output output) {
    int grouped = input.scaling() == RoundedInput.Scaling.GROUP ? 1 : 0;
    round(stream, w.in(), input, x, rounded, m, groups, grouped);
    int splits = Fp8Shapes.splits(w.out(), w.in());
    Fp8Shapes.Launch c = shapes.launch(m, w.out(), splits);
    launcher.launch(
        stream,
        prefix + c.suffix(),
        new Grid(c.segments(), Divide.up(m, c.rows()), Divide.up(w.out(), COLUMNS)),
        c.threads(),
        c.sharedBytes(),
        w.tiles(),
        rounded.codes(),
        y,
        w.bias(),
        m,
        w.out(),
        w.in(),
        groups,
        stride,
        output.mode(),
        splits,
        output.activation(),
        output.factor(),
        output.cap(),
        rounded.scales(),
        grouped,
        c.stages());
  }

  private void round(
      DeviceStream stream,
      int width,
      RoundedInput input,
      DeviceMemory x,
      RoundedRows rounded,
      int m,
      int groups,
      int grouped) {
    boolean fixed = input.scaling() == RoundedInput.Scaling.FIXED;
    launcher.launch(
        stream,
        round,
        Grid.of(m),
        ROUNDING_THREADS,
        0,
        x,
        rounded.codes(),
        rounded.scales(),
        width,
        groups,
        grouped,
        fixed ? input.value() : 0f,
        fixed ? Float.POSITIVE_INFINITY : input.value());
  }

  /** Loads every kernel that a product with a weight may take, whatever the rows. */
  void load(Matrix w) {
    launcher.load(round);
    int splits = Fp8Shapes.splits(w.out(), w.in());
    shapes.all(w.out(), splits).forEach(c -> launcher.load(prefix + c.suffix()));
  }
}
