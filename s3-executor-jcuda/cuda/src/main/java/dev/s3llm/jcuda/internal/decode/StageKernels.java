package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import java.util.stream.Stream;

/**
 * The kernels of a stage.
 *
 * @param decoder kernels of a forward pass
 * @param products its matrix products
 */
record StageKernels(DecoderKernels decoder, MatrixProduct products) {
  private static final int HOPPER = 90;

  /** Chooses the kernels for a model on a device. */
  static StageKernels of(
      KernelLauncher launcher,
      Device device,
      ModelConfig config,
      LayerRange range,
      ElementType type) {
    int multiprocessors = device.multiprocessors();
    ProductShapes shapes = new ProductShapes(device.computeCapability() == HOPPER, multiprocessors);
    return new StageKernels(
        new DecoderKernels(launcher, config, type, range.count(), multiprocessors),
        new MatrixProduct(launcher, type, shapes));
  }

  /**
   * Brings to the device every kernel that a step over these weights may launch. Drivers that load
   * lazily wait for a kernel's first launch, which then may find no memory and fails the step.
   */
  void load(CudaWeights weights) {
    CudaWeights.Layer layer = weights.layers.get(0); // all have the same shapes
    Stream.of(layer.queryKeyValue(), layer.attentionOutput(), layer.up(), layer.down())
        .forEach(matrix -> products.load(matrix.out(), matrix.in()));
    CudaWeights.Matrix output = weights.output;
    if (output != null) {
      products.load(output.out(), output.in());
    }
    decoder.load();
  }
}
