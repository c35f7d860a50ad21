package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.WeightsOption;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.Precision;
import dev.s3llm.model.ActivationFormat;
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
      description = "one GPU for each stage (default: 0)")
  private List<Integer> devices = List.of();

  @Option(
      names = "--cards",
      split = ",",
      paramLabel = "N",
      description = "GPUs that run every layer together, instead of stages")
  private List<Integer> cards = List.of();

  @Option(
      names = "--no-persistent",
      description = "a launch for each part of a layer in steps of few sequences, too")
  private boolean launchesParts;

  /** Returns the format of the weights, which a CPU has, too. */
  WeightFormat weights() {
    return weights.format();
  }

  /** Returns the format in which products read their input, which a CPU has, too. */
  ActivationFormat activations() {
    return weights.activations();
  }

  /** Sets them for an executor. */
  JCudaExecutor.Builder apply(JCudaExecutor.Builder builder) {
    builder.precision(precision).weights(weights.format()).activations(weights.activations());
    if (launchesParts) {
      builder.persistentDecode(false);
    }
    if (!devices.isEmpty() && !cards.isEmpty()) {
      throw new UsageException("--cards and --devices exclude each other");
    }
    if (!devices.isEmpty()) {
      builder.devices(numbers(devices));
    } else if (!cards.isEmpty()) {
      builder.cards(numbers(cards));
    }
    return builder;
  }

  private static int[] numbers(List<Integer> all) {
    return all.stream().mapToInt(Integer::intValue).toArray();
  }
}
