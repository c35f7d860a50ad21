package dev.s3llm.examples.cli;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.SamplingParameters;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What {@code generate} can be told about the model, the memory and the sampling. */
final class GenerateOptions {
  @Option(
      names = "--planner",
      paramLabel = "NAME",
      description = "worst-case, s3, on-demand or forecast (default: ${DEFAULT-VALUE})",
      defaultValue = "forecast")
  PlannerChoice planner = PlannerChoice.FORECAST;

  @Option(
      names = "--order",
      paramLabel = "NAME",
      description = "fcfs, dff or spf (default: ${DEFAULT-VALUE})",
      defaultValue = "fcfs")
  OrderChoice order = OrderChoice.FCFS;

  @Option(
      names = "--kv-budget",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      description = "KV memory, such as 64MiB (default: ${DEFAULT-VALUE})",
      defaultValue = "256MiB")
  ByteSize kvBudget = new ByteSize(256L << 20);

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "output limit of each answer (default: ${DEFAULT-VALUE})",
      defaultValue = "256")
  int maxNewTokens;

  @Option(names = "--recompute-only", description = "never swap preempted sequences")
  boolean recomputeOnly;

  @Option(
      names = "--temperature",
      description = "0 is greedy (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  double temperature;

  @Option(
      names = "--top-k",
      description = "0 keeps all (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  int topK;

  @Option(
      names = "--top-p",
      description = "1 keeps all (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  double topP;

  @Option(
      names = "--repetition-penalty",
      description = "1 is none (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  double repetitionPenalty;

  @Option(
      names = "--seed",
      description = "of sampling and arrivals (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  long seed;

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description =
          "a Hugging Face folder of the Llama family or GPT-J (default: the embedded small model)")
  @Nullable Path model;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      converter = DeviceChoice.Converter.class,
      description = "host, cuda, or cuda:N,M... for one stage a GPU (default: ${DEFAULT-VALUE})",
      defaultValue = "host")
  DeviceChoice device = DeviceChoice.HOST;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model (default: one a processor)",
      defaultValue = "0")
  int threads;

  @Option(
      names = "--predictor",
      paramLabel = "NAME",
      description =
          "onnx or empirical (default: onnx with the embedded model or --length-model, else"
              + " empirical)")
  @Nullable PredictorChoice predictor;

  @Option(
      names = "--length-model",
      paramLabel = "FOLDER",
      description = "a length model for onnx (default: the one of the embedded small model)")
  @Nullable Path lengthModel;

  /** The predictor in force. */
  PredictorChoice predictorChoice() {
    PredictorChoice given = predictor;
    boolean fits = model == null || lengthModel != null;
    if (given == PredictorChoice.ONNX && !fits) {
      throw new UsageException("--predictor onnx needs --length-model for a model of your own");
    }
    return given == null ? (fits ? PredictorChoice.ONNX : PredictorChoice.EMPIRICAL) : given;
  }

  /** The folder of the length model in force; unpacked if it is the embedded one. */
  Path lengthModelFolder() {
    return lengthModel == null ? SmallModel.unpackLengthModel() : lengthModel;
  }

  SamplingParameters sampling() {
    return new SamplingParameters(temperature, topK, topP, repetitionPenalty, seed);
  }
}
