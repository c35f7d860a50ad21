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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Launches matrix products {@code y[m][n] = x[m][k] w[n][k]^T}, plus bias, whose input is rounded
 * to e4m3, and the kernels that round it.
 */
final class Fp8Kernels {
  private static final int ROUNDING_THREADS = 256;

  /**
   * A norm's sum is that of as many threads, as in {@link NormKernels}, which leaves out idle ones.
   */
  private static final int NORM_THREADS = 1024;

  private final KernelLauncher launcher;
  private final String round;
  private final String rmsNorm;
  private final String layerNorm;
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
    this.rmsNorm = "rms_norm_fp8_" + type.suffix();
    this.layerNorm = "layer_norm_fp8_" + type.suffix();
    this.prefix = "fp8_gemm_" + type.suffix() + "_";
    this.shapes = shapes;
  }

  /**
   * Norms the first rows of the residual stream and rounds them; the bits of {@link
   * NormKernels#norm}, rounded.
   *
   * @param input how they are rounded
   * @param width columns of a row
   * @param groups groups of eight rows that the rounded rows have room for
   */
  void norm(
      DeviceStream stream,
      int rows,
      DeviceMemory residual,
      CudaWeights.Norm norm,
      float epsilon,
      RoundedInput input,
      RoundedRows rounded,
      int width,
      int groups) {
    DeviceMemory bias = norm.bias();
    List<@Nullable Object> arguments = new ArrayList<>();
    arguments.addAll(Arrays.asList(residual, norm.weight()));
    if (bias != null) {
      arguments.add(bias);
    }
    arguments.addAll(Arrays.asList(epsilon, rounded.codes(), rounded.scales(), width, groups));
    arguments.addAll(scaling(input));
    launcher.launch(
        stream,
        bias == null ? rmsNorm : layerNorm,
        Grid.of(rows),
        NORM_THREADS,
        Layouts.NUMBER_BYTES * width,
        arguments.toArray());
  }

  /**
   * Puts a product into the stream; as {@link MatrixProduct#launch}.
   *
   * @param input how x was rounded
   * @param x activations, rounded
   */
  void launch(
      DeviceStream stream,
      Matrix w,
      RoundedInput input,
      RoundedRows x,
      DeviceAddress y,
      int m,
      int groups,
      int stride,
      Output output) {
    int splits = Fp8Shapes.splits(w.out(), w.in());
    Fp8Shapes.Launch c = shapes.launch(m, w.out(), splits);
    launcher.launch(
        stream,
        prefix + c.suffix(),
        new Grid(splits, Divide.up(m, c.rows()), Divide.up(w.out(), Fp8Shapes.TILE)),
        c.threads(),
        c.sharedBytes(),
        w.tiles(),
        x.codes(),
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
        x.scales(),
        grouped(input),
        c.stages());
  }

  /**
   * Rounds activations.
   *
   * @param x activations, in tiles
   * @param width columns of a row
   * @param groups groups of eight rows that both have room for
   */
  void round(
      DeviceStream stream,
      int rows,
      RoundedInput input,
      DeviceMemory x,
      RoundedRows rounded,
      int width,
      int groups) {
    List<@Nullable Object> arguments = new ArrayList<>();
    arguments.addAll(Arrays.asList(x, rounded.codes(), rounded.scales(), width, groups));
    arguments.addAll(scaling(input));
    launcher.launch(stream, round, Grid.of(rows), ROUNDING_THREADS, 0, arguments.toArray());
  }

  private static int grouped(RoundedInput input) {
    return input.scaling() == RoundedInput.Scaling.GROUP ? 1 : 0;
  }

  /** Returns the parameters {@code grouped, given, most} of kernels that round. */
  private static List<Object> scaling(RoundedInput input) {
    boolean fixed = input.scaling() == RoundedInput.Scaling.FIXED;
    float given = fixed ? input.value() : 0;
    float most = fixed ? Float.POSITIVE_INFINITY : input.value();
    return List.of(grouped(input), given, most);
  }

  /** Loads every kernel that a product with a weight may take, whatever the rows. */
  void load(Matrix w) {
    List.of(round, rmsNorm, layerNorm).forEach(launcher::load);
    int splits = Fp8Shapes.splits(w.out(), w.in());
    shapes.all(w.out(), splits).forEach(c -> launcher.load(prefix + c.suffix()));
  }
}
