package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import java.io.PrintWriter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model of a benchmark, its precision and its GPUs. */
final class BenchModel {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "SHAPE",
      description = "gpt-j-6b, llama-1b, llama-13b or llama-33b; weights are random")
  private String model = "";

  @Mixin private GpuOptions gpu = new GpuOptions();

  /** Returns the name of the shape. */
  String name() {
    return model;
  }

  /**
   * Returns the shape of the model.
   *
   * @throws UsageException if there is no such shape
   */
  ModelConfig config() {
    try {
      return ModelShapes.of(model);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--model: " + e.getMessage());
    }
  }

  /** Creates an executor's builder that prints how many weights are loaded. */
  JCudaExecutor.Builder builder(PrintWriter err) {
    return gpu.apply(random(config(), err));
  }

  /** Creates an executor's builder with random weights, which prints how many are loaded. */
  static JCudaExecutor.Builder random(ModelConfig config, PrintWriter err) {
    LoadReport report = new LoadReport(err);
    return JCudaExecutor.builder(config, () -> new RandomTensors(config, 1))
        .progress(report::loaded);
  }

  /** Returns the bytes of a token's keys and values over all layers. */
  static double kvBytesPerToken(ModelConfig config) {
    return 4.0 * config.layerCount() * config.kvSize();
  }

  /** Prints a line for each tenth of the weights. */
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
