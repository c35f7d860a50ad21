package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShard;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of a stage.
 *
 * @param norms kernels over rows of the residual stream
 * @param attention kernels of attention
 * @param experts kernels of experts
 * @param products matrix products
 * @param rounded matrix products whose input is rounded; null if there are none
 * @param sample kernels that draw tokens
 */
record StageKernels(
    NormKernels norms,
    AttentionKernels attention,
    ExpertKernels experts,
    MatrixProduct products,
    @Nullable Fp8Kernels rounded,
    SampleKernels sample) {
  static final int HOPPER = 90;

  /**
   * Chooses the kernels for a part of a model on a device.
   *
   * @param rounding launches the products whose input is rounded; null if there are none
   */
  static StageKernels of(
      KernelLauncher launcher,
      @Nullable KernelLauncher rounding,
      Device device,
      ModelShard shard,
      LayerRange range,
      ElementType type,
      KvPrecision kv) {
    ModelConfig config = shard.config();
    int multiprocessors = device.multiprocessors();
    ProductShapes shapes = new ProductShapes(hopper(device), multiprocessors);
    return new StageKernels(
        new NormKernels(launcher, config, type),
        new AttentionKernels(launcher, config, type, kv, range, hopper(device), multiprocessors),
        new ExpertKernels(launcher, type),
        new MatrixProduct(launcher, type, shapes),
        rounding == null ? null : new Fp8Kernels(rounding, type, new Fp8Shapes(multiprocessors)),
        new SampleKernels(launcher, shard.model().vocabularySize()));
  }

  /** Returns whether the kernels made for Hopper run on a device. */
  static boolean hopper(Device device) {
    return device.computeCapability() == HOPPER;
  }

  /**
   * Brings to the device every kernel that a step over these weights may launch. Drivers that load
   * lazily wait for a kernel's first launch, which then may find no memory and fails the step.
   */
  void load(CudaWeights weights) {
    for (CudaWeights.Layer layer : weights.layers) {
      CudaWeights.Matrix router = layer.router();
      layer.queryKeyValue().forEach(this::load);
      load(layer.attentionOutput());
      if (router == null) {
        Stream.of(layer.up(), layer.down()).forEach(this::load);
      } else {
        load(router);
        experts.load(layer.up(), layer.down());
      }
    }
    CudaWeights.Matrix output = weights.output;
    if (output != null) {
      load(output);
    }
    norms.load();
    attention.load();
    sample.load();
  }

  private void load(CudaWeights.Matrix matrix) {
    CodeFormat format = matrix.format();
    Fp8Kernels own = rounded;
    if (own != null && format != null && format.input() != null) {
      own.load(matrix);
    } else {
      products.load(matrix);
    }
  }
}
