package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.KvOption;
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
  /** The benchmark's tokens are below. */
  private static final int FEWEST_TOKENS = 30_000;

  private static final int MOST_TOKENS = 1 << 19;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "SHAPE",
      description = "gpt-j-6b, llama-1b, llama-13b, llama-33b or llama-70b; weights are random")
  private String model = "";

  @Option(
      names = "--vocabulary",
      paramLabel = "TOKENS",
      description = "size of the vocabulary (default: that of the shape)")
  private int vocabulary;

  @Mixin private GpuOptions gpu = new GpuOptions();
  @Mixin private KvOption kv = new KvOption();

  /** Returns the name of the shape. */
  String name() {
    return model;
  }

  /**
   * Returns the shape of the model.
   *
   * @throws UsageException if there is no such shape, or the vocabulary is out of range
   */
  ModelConfig config() {
    try {
      ModelConfig config = ModelShapes.of(model);
      return vocabulary == 0 ? config : withVocabulary(config);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--model: " + e.getMessage());
    }
  }

  private ModelConfig withVocabulary(ModelConfig config) {
    if (vocabulary < FEWEST_TOKENS || vocabulary > MOST_TOKENS) {
      throw new UsageException(
          "--vocabulary must be from %d to %d, but is %d"
              .formatted(FEWEST_TOKENS, MOST_TOKENS, vocabulary));
    }
    return config.withVocabularySize(vocabulary);
  }

  /** Creates an executor's builder that prints how many weights are loaded. */
  JCudaExecutor.Builder builder(PrintWriter err) {
    return gpu.apply(random(config(), err)).kvPrecision(kv.precision());
  }

  /** Creates an executor's builder with random weights, which prints how many are loaded. */
  static JCudaExecutor.Builder random(ModelConfig config, PrintWriter err) {
    LoadReport report = new LoadReport(err);
    return JCudaExecutor.builder(config, () -> new RandomTensors(config, 1))
        .progress(report::loaded);
  }

  /** Returns the bytes of a weight of a product, with its part of a scale. */
  double bytesPerWeight() {
    return gpu.weights()
        .rounded()
        .map(format -> format.bitsPerElement() / Byte.SIZE)
        .orElse((double) Short.BYTES); // random weights are stored in 16 bits
  }

  /** Returns the bytes of a token's keys and values over all layers. */
  double kvBytesPerToken(ModelConfig config) {
    double vectors = 2.0 * config.layerCount() * config.kvHeads();
    return vectors * kv.precision().vectorBytes(config.headSize(), Short.BYTES);
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
