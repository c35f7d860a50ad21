package dev.s3llm.examples.cli.generate;

import dev.s3llm.GenerationRequest;
import dev.s3llm.examples.cli.options.ByteSize;
import dev.s3llm.examples.cli.options.ModelOptions;
import dev.s3llm.examples.cli.options.OrderChoice;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.SamplingParameters;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of {@code generate} about the model, the memory, the sampling and the predictor. */
final class GenerateOptions {
  @Mixin ModelOptions model = new ModelOptions();

  @Option(
      names = "--planner",
      paramLabel = "NAME",
      description = "worst-case, s3, on-demand or forecast (default: ${DEFAULT-VALUE})",
      defaultValue = "forecast")
  PlannerChoice planner = PlannerChoice.FORECAST;

  @Option(
      names = "--order",
      paramLabel = "NAME",
      converter = OrderChoice.Converter.class,
      completionCandidates = OrderChoice.Names.class,
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})",
      defaultValue = OrderChoice.DEFAULT)
  OrderChoice.Chosen order = OrderChoice.byDefault();

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
      names = "--greedy",
      description = "take the most probable token each time; the default, not with --temperature")
  private boolean greedy;

  @Option(
      names = "--raw",
      description = "continue each prompt as it is, without the model's chat template")
  boolean raw;

  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      description = "do not end an answer before N tokens (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  int minTokens;

  @Option(names = "--ignore-eos", description = "go on after the model's end tokens")
  boolean ignoreEos;

  @Option(
      names = "--temperature",
      description = "0 is greedy (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  private double temperature;

  @Option(
      names = "--top-k",
      description = "0 keeps all tokens (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  private int topK;

  @Option(
      names = "--top-p",
      description = "1 keeps all tokens (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  private double topP;

  @Option(
      names = "--repetition-penalty",
      description = "1 applies no penalty (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  private double repetitionPenalty;

  @Option(
      names = "--seed",
      description = "seed of sampling and arrivals (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  long seed;

  @Option(
      names = "--predictor",
      paramLabel = "NAME",
      description =
          "onnx or empirical (default: onnx with the embedded model or --length-model, else"
              + " empirical)")
  private @Nullable PredictorChoice predictor;

  @Option(
      names = "--length-model",
      paramLabel = "FOLDER",
      description = "a length model for onnx (default: the one of the embedded small model)")
  private @Nullable Path lengthModel;

  /**
   * Checks all options.
   *
   * @throws UsageException if one is out of range or does not fit another
   */
  void check() {
    Numbers.requireAtLeast("--max-new-tokens", 1, maxNewTokens);
    model.check();
    if (greedy && temperature != 0) {
      throw new UsageException(
          "--greedy and --temperature " + temperature + " contradict each other");
    }
    if (minTokens < 0 || minTokens > maxNewTokens) {
      throw new UsageException(
          "--min-tokens %d: must be from 0 to --max-new-tokens, %d"
              .formatted(minTokens, maxNewTokens));
    }
    SamplingParameters unused = sampling(); // refuses a value out of range
    if (predictor == PredictorChoice.ONNX && !hasLengthModel()) {
      throw new UsageException("--predictor onnx needs --length-model for a model of your own");
    }
  }

  /** Returns the predictor to use. */
  PredictorChoice predictor() {
    if (predictor != null) {
      return predictor;
    }
    return hasLengthModel() ? PredictorChoice.ONNX : PredictorChoice.EMPIRICAL;
  }

  private boolean hasLengthModel() {
    return model.embedded() || lengthModel != null;
  }

  /** Returns the folder of the length model; unpacks the embedded one if the user named none. */
  Path lengthModelFolder() {
    return lengthModel == null ? SmallModel.unpackLengthModel() : lengthModel;
  }

  /** Sets sampling, least length and end tokens of a request. */
  void configure(GenerationRequest.Builder request) {
    request.sampling(sampling());
    if (minTokens > 0) {
      request.minTokens(minTokens);
    }
    if (ignoreEos) {
      request.stopTokens();
    }
  }

  /**
   * Returns the sampling parameters of every request.
   *
   * @throws IllegalArgumentException if a value is out of range
   */
  SamplingParameters sampling() {
    return new SamplingParameters(temperature, topK, topP, repetitionPenalty, seed);
  }
}
