package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.WeightFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which inputs of products some devices can round: those of Hopper all, others none. Devices of one
 * model round alike.
 *
 * @param devices numbers of the devices
 */
public record InputSupport(List<Integer> devices) {
  private static final Logger LOG = LoggerFactory.getLogger(InputSupport.class);

  /**
   * Returns tensors with the roundings of their inputs.
   *
   * @throws IllegalArgumentException if inputs must be rounded and a device cannot
   */
  public ModelTensors rounded(ModelTensors tensors, ActivationFormat format, WeightFormat weights) {
    ModelTensors rounded = tensors.rounding(format, weights);
    List<Device.Info> others =
        !rounded.roundsInputs()
            ? List.of()
            : Device.list().stream()
                .filter(device -> devices.contains(device.ordinal()))
                .filter(device -> device.computeCapability() != StageKernels.HOPPER)
                .toList();
    return others.isEmpty() ? rounded : without(tensors, format, others.get(0));
  }

  private static ModelTensors without(
      ModelTensors tensors, ActivationFormat format, Device.Info device) {
    if (format == ActivationFormat.FP8) {
      throw new IllegalArgumentException(
          "activations is FP8, which needs compute capability 9.0, but %s has %.1f"
              .formatted(device.name(), device.computeCapability() / 10.0));
    }
    LOG.info(
        "{} has no fp8 products: activations that files want in fp8 keep 16 bits", device.name());
    return tensors;
  }
}
