package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.KernelModule;
import dev.s3llm.jcuda.internal.driver.MatrixProduct;
import dev.s3llm.model.ModelConfig;
import java.util.List;
import java.util.stream.Stream;

/** The kernels of a forward pass, by the model's shape and number type. */
final class DecoderKernels {
  final KernelModule module;
  final MatrixProduct products;
  final String embed;
  final String rmsNorm;
  final String layerNorm;
  final String rotateAndStore;
  final String decodeAttention;
  final String prefillAttention;
  final String sample = "sample";

  DecoderKernels(KernelModule module, Device device, ModelConfig config, Precision precision) {
    String type = precision.suffix();
    this.module = module;
    this.products = new MatrixProduct(module, type, device.computeCapability());
    this.embed = "embed_" + type;
    this.rmsNorm = "rms_norm_" + type;
    this.layerNorm = "layer_norm_" + type;
    this.rotateAndStore = "rotate_and_store_" + type;
    this.decodeAttention = "attention_decode_" + type + "_d" + config.headSize();
    this.prefillAttention = "attention_prefill_" + type + "_d" + config.headSize();
  }

  /**
   * Brings to the device whatever a step over these weights may launch. Drivers put that off until
   * a kernel's first launch, which may find the memory taken by then, and fails the step.
   */
  void load(CudaWeights weights) {
    CudaWeights.Layer layer = weights.layers.get(0); // all have the same shapes
    Stream.of(layer.queryKeyValue(), layer.attentionOutput(), layer.up(), layer.down())
        .forEach(matrix -> products.load(matrix.out(), matrix.in()));
    CudaWeights.Matrix output = weights.output;
    if (output != null) {
      products.load(output.out(), output.in());
    }
    List.of(embed, rmsNorm, layerNorm, rotateAndStore, decodeAttention, prefillAttention, sample)
        .forEach(module::load);
  }
}
