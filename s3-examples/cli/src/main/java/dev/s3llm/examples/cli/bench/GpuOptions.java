package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.WeightsOption;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.Precision;
import dev.s3llm.model.WeightFormat;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Precision, format of the weights and GPUs of a model. */
final class GpuOptions {
  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      description = "FP16 or BF16, on a GPU (default: ${DEFAULT-VALUE})",
      defaultValue = "FP16")
  private Precision precision = Precision.FP16;

  @Mixin private WeightsOption weights = new WeightsOption();

  @Option(
      names = "--devices",
      split = ",",
      paramLabel = "N",
      description = "one GPU for each stage (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  private List<Integer> devices = List.of(0);

  /** Returns the format of the weights, which a CPU has, too. */
  WeightFormat weights() {
    return weights.format();
  }

  /** Sets them for an executor. */
  JCudaExecutor.Builder apply(JCudaExecutor.Builder builder) {
    return builder
        .precision(precision)
        .weights(weights.format())
        .devices(devices.stream().mapToInt(Integer::intValue).toArray());
  }
}
