package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Launches the kernels that read or change whole rows of the residual stream, one method for each
 * kind; norms are LayerNorms where they have a bias. The grid never changes a result, bit by bit.
 */
final class NormKernels {
  private static final int THREADS = 256;

  private static final int WARP = 32;

  /** Values that a thread of a norm reads at once. */
  private static final int NORM_VALUES = 8;

  private static final int MOST_NORM_THREADS = 1024;

  private static final String RMS_ADD = "rms_norm_add";
  private static final String LAYER_ADD = "layer_norm_add";

  private final KernelLauncher launcher;
  private final ModelConfig config;
  private final int normThreads;
  private final String embed;
  private final String rmsNorm;
  private final String layerNorm;
  private final String tileStream;

  /** Chooses the kernels of a model's shape and number type. */
  NormKernels(KernelLauncher launcher, ModelConfig config, ElementType type) {
    String suffix = type.suffix();
    this.launcher = launcher;
    this.config = config;
    this.normThreads = normThreads(config.hiddenSize());
    this.embed = "embed_" + suffix;
    this.rmsNorm = "rms_norm_" + suffix;
    this.layerNorm = "layer_norm_" + suffix;
    this.tileStream = "tile_stream_" + suffix;
  }

  /**
   * Returns the threads of a norm's block: whole warps, and no more than read anything, so that
   * more blocks fit a multiprocessor. Idle warps add zeros to a sum, so the bits are those of the
   * most.
   */
  private static int normThreads(int width) {
    return Math.min(MOST_NORM_THREADS, Divide.up(width, NORM_VALUES * WARP) * WARP);
  }

  /** Brings all kernels to the device. */
  void load() {
    List.of(embed, rmsNorm, layerNorm, tileStream, RMS_ADD, LAYER_ADD).forEach(launcher::load);
  }

  /** Writes the embedding of each token, times a factor, to its row of the residual stream. */
  void embed(
      DeviceStream stream,
      int rows,
      DeviceMemory embedding,
      DeviceAddress tokens,
      DeviceMemory residual) {
    launcher.launch(
        stream,
        embed,
        Grid.of(rows),
        THREADS,
        0,
        embedding,
        tokens,
        residual,
        config.hiddenSize(),
        config.scales().embedding());
  }

  /**
   * Norms rows of the residual stream into tiles.
   *
   * @param picked indices of the rows; null for the first rows
   * @param groups groups of eight rows that the tiles have room for
   */
  void norm(
      DeviceStream stream,
      int rows,
      DeviceMemory residual,
      @Nullable DeviceAddress picked,
      CudaWeights.Norm norm,
      DeviceMemory tiles,
      int groups) {
    DeviceMemory bias = norm.bias();
    DeviceMemory delta = null; // products add to the residual stream themselves
    Grid grid = Grid.of(rows);
    int width = config.hiddenSize();
    float epsilon = config.normEpsilon();
    if (bias == null) {
      launcher.launch(
          stream,
          rmsNorm,
          grid,
          normThreads,
          0,
          residual,
          delta,
          picked,
          norm.weight(),
          tiles,
          width,
          groups,
          epsilon);
    } else {
      launcher.launch(
          stream,
          layerNorm,
          grid,
          normThreads,
          0,
          residual,
          delta,
          picked,
          norm.weight(),
          bias,
          tiles,
          width,
          groups,
          epsilon);
    }
  }

  /** Writes rows of the residual stream into tiles as they are. */
  void tile(DeviceStream stream, int rows, DeviceMemory residual, DeviceMemory tiles, int groups) {
    launcher.launch(
        stream,
        tileStream,
        Grid.of(rows),
        THREADS,
        0,
        residual,
        tiles,
        config.hiddenSize(),
        groups);
  }

  /** Norms the rows of a part's result and adds them to the residual stream, times a factor. */
  void normAndAdd(
      DeviceStream stream,
      int rows,
      DeviceMemory part,
      CudaWeights.Norm norm,
      DeviceMemory residual) {
    DeviceMemory bias = norm.bias();
    Grid grid = Grid.of(rows);
    int width = config.hiddenSize();
    float epsilon = config.normEpsilon();
    float factor = config.scales().residual();
    if (bias == null) {
      launcher.launch(
          stream,
          RMS_ADD,
          grid,
          normThreads,
          0,
          part,
          residual,
          norm.weight(),
          width,
          epsilon,
          factor);
    } else {
      launcher.launch(
          stream,
          LAYER_ADD,
          grid,
          normThreads,
          0,
          part,
          residual,
          norm.weight(),
          bias,
          width,
          epsilon,
          factor);
    }
  }
}
