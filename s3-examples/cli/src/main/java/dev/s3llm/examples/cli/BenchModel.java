package dev.s3llm.examples.cli;

import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.Precision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFamily;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Option;

/** Which model a benchmark runs, and on what. */
final class BenchModel {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "SHAPE",
      description = "gpt-j-6b, llama-1b, llama-13b or llama-33b; weights are random")
  String model = "";

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      description = "FP16 or BF16 (default: ${DEFAULT-VALUE})",
      defaultValue = "FP16")
  Precision precision = Precision.FP16;

  @Option(
      names = "--devices",
      split = ",",
      paramLabel = "N",
      description = "one GPU for each stage (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  List<Integer> devices = List.of(0);

  /** The shape in force. */
  ModelConfig config() {
    try {
      return ModelShapes.of(model);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--model: " + e.getMessage());
    }
  }

  /** A builder, which tells how far the weights have come. */
  JCudaExecutor.Builder builder(PrintWriter err) {
    ModelConfig config = config();
    LoadReport report = new LoadReport(err);
    return JCudaExecutor.builder(config, () -> new RandomTensors(config, 1))
        .precision(precision)
        .devices(devices.stream().mapToInt(Integer::intValue).toArray())
        .progress(report::loaded);
  }

  /** Weights that a token's pass multiplies: all but the embedding's rows. */
  static double multipliedWeights(ModelConfig config) {
    double attention =
        (double) config.hiddenSize() * (2.0 * config.querySize() + 2.0 * config.kvSize());
    int matrices = config.family() == ModelFamily.LLAMA ? 3 : 2;
    double feedForward = (double) matrices * config.hiddenSize() * config.intermediateSize();
    return config.layers() * (attention + feedForward)
        + (double) config.vocabularySize() * config.hiddenSize();
  }

  /** Bytes of a token's keys and values over all layers. */
  static double kvBytesPerToken(ModelConfig config) {
    return 4.0 * config.layers() * config.kvSize();
  }

  /** The middle of some values. */
  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** Prints every tenth of the way. */
  private static final class LoadReport {
    private final PrintWriter err;
    private long nextTenth = 1;

    LoadReport(PrintWriter err) {
      this.err = err;
    }

    void loaded(long bytes, long total) {
      while (nextTenth <= 10 && bytes >= total / 10 * nextTenth) {
        err.printf("weights: %d %% of %.1f GB%n", 10 * nextTenth++, total / 1e9);
        err.flush();
      }
    }
  }
}
