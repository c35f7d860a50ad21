package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.decode.MatrixProduct.Output;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig.Experts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Launches the kernels of experts, one method for each kernel. A pair is a row and one of its
 * experts. Which pairs share a block never changes a result, bit by bit.
 */
final class ExpertKernels {
  private static final int ROUTE_THREADS = 32;
  private static final int GROUP_THREADS = 1024;
  private static final int COMBINE_THREADS = 256;
  private static final int[] ROWS = {16, 64, 128};
  private static final int MOST_CODED_ROWS = 64;
  private static final String ROUTE = "route";
  private static final String GROUP = "group_pairs";
  private static final String COMBINE = "combine_experts";

  private final KernelLauncher launcher;
  private final String product;

  /** Chooses the kernels of a number type. */
  ExpertKernels(KernelLauncher launcher, ElementType type) {
    this.launcher = launcher;
    this.product = "experts_" + type.suffix() + "_";
  }

  /** Brings all kernels for some matrices to the device. */
  void load(CudaWeights.Matrix... matrices) {
    List.of(ROUTE, GROUP, COMBINE).forEach(launcher::load);
    for (CudaWeights.Matrix matrix : matrices) {
      for (int rows : ROWS) {
        if (matrix.format() == null || rows <= MOST_CODED_ROWS) {
          launcher.load(name(matrix.format(), rows));
        }
      }
    }
  }

  private String name(@Nullable CodeFormat format, int rows) {
    return product + (format == null ? "n" : format.suffix() + "_n") + rows;
  }

  /** Returns the tiles of pairs that a batch has at most. */
  static int mostTiles(int pairs, int experts, int tileRows) {
    return Math.min(pairs, pairs / tileRows + experts);
  }

  /**
   * Returns the pairs of a tile, by how many an expert has on average.
   *
   * @param coded whether a matrix has codes, whose kernels take fewer pairs
   */
  private static int tileRows(int pairs, int experts, boolean coded) {
    int each = pairs / experts;
    return each >= ROWS[2] && !coded ? ROWS[2] : each >= ROWS[0] ? ROWS[1] : ROWS[0];
  }

  /**
   * Picks the experts of each row, and sorts the pairs.
   *
   * @param coded whether a matrix of the experts has codes
   */
  void route(
      DeviceStream stream,
      int rows,
      ExpertSpace space,
      DeviceBatch batch,
      Experts experts,
      boolean coded) {
    launcher.launch(
        stream,
        ROUTE,
        Grid.of(rows),
        ROUTE_THREADS,
        experts.count() * (Float.BYTES + 1),
        space.logits,
        batch.sequences,
        space.picked,
        space.probabilities,
        experts.count(),
        experts.perToken(),
        experts.normalised() ? 1 : 0);
    int pairs = rows * experts.perToken();
    launcher.launch(
        stream,
        GROUP,
        Grid.of(1),
        GROUP_THREADS,
        2 * Integer.BYTES * experts.count(),
        space.picked,
        pairs,
        experts.count(),
        tileRows(pairs, experts.count(), coded),
        space.tiles,
        space.pairs);
  }

  /**
   * Multiplies each pair's activations with its expert's matrix.
   *
   * @param coded whether a matrix of the experts has codes
   * @param matrix of all experts
   * @param x activation tiles
   * @param groups groups of eight rows that x has room for
   * @param shared whether x has one row for all pairs of a row
   * @param stride elements of a row of y; for tiles, groups of eight rows that y has room for
   */
  void multiply(
      DeviceStream stream,
      int rows,
      ExpertSpace space,
      Experts experts,
      boolean coded,
      CudaWeights.Matrix matrix,
      DeviceMemory x,
      int groups,
      boolean shared,
      DeviceMemory y,
      int stride,
      Output output) {
    int pairs = rows * experts.perToken();
    int tileRows = tileRows(pairs, experts.count(), coded);
    CodeFormat format = matrix.format();
    int tiles = mostTiles(pairs, experts.count(), tileRows);
    int divisor = shared ? experts.perToken() : 1;
    if (format != null) {
      ProductLaunch block = CodedShapes.mma(format, tileRows);
      launcher.launch(
          stream,
          name(format, tileRows),
          new Grid(1, tiles, Divide.up(matrix.out(), block.columns())),
          block.threads(),
          block.sharedBytes(),
          matrix.tiles(),
          x,
          y,
          matrix.bias(),
          matrix.out(),
          matrix.in(),
          groups,
          stride,
          output.mode(),
          output.activation(),
          space.tiles,
          space.pairs,
          divisor,
          format.scales());
      return;
    }
    ProductLaunch block = ProductShapes.mma(tileRows);
    launcher.launch(
        stream,
        name(null, tileRows),
        new Grid(1, tiles, Divide.up(matrix.out(), block.columns())),
        block.threads(),
        block.sharedBytes(),
        matrix.tiles(),
        x,
        y,
        matrix.bias(),
        matrix.out(),
        matrix.in(),
        groups,
        stride,
        output.mode(),
        output.activation(),
        space.tiles,
        space.pairs,
        divisor);
  }

  /**
   * Adds the results of each row's experts, with their probabilities as weights.
   *
   * @param to rows of float
   * @param factor factor of the sum, where it is added
   * @param add whether the sum is added to the rows, or takes their place
   */
  void combine(
      DeviceStream stream,
      int rows,
      ExpertSpace space,
      DeviceBatch batch,
      Experts experts,
      DeviceMemory to,
      int width,
      float factor,
      boolean add) {
    launcher.launch(
        stream,
        COMBINE,
        Grid.of(rows),
        COMBINE_THREADS,
        0,
        space.results,
        space.probabilities,
        batch.sequences,
        to,
        width,
        experts.perToken(),
        factor,
        add ? 1 : 0);
  }
}
