package dev.s3llm.examples.cli.bench;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.cli.options.KvOption;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model that {@code bench serve} runs, the device that runs it, and its memory. */
final class ServedModel {
  /** The positions of a shape, unless sequences are longer. */
  private static final int LEAST_CONTEXT = 2048;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description =
          "gpt-j-6b, llama-1b, llama-13b or llama-33b with random weights; or a Hugging Face folder"
              + " or .gguf file")
  private String model = "";

  @Option(
      names = "--device",
      paramLabel = "NAME",
      description = "cuda or cpu (default: ${DEFAULT-VALUE})",
      defaultValue = "cuda")
  private String device = "cuda";

  @Mixin private GpuOptions gpu = new GpuOptions();
  @Mixin private KvOption kv = new KvOption();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model on the CPU (default: one for each processor)")
  private @Nullable Integer threads;

  @Option(
      names = "--kv-gb",
      required = true,
      paramLabel = "GB",
      description = "KV memory, in units of 1e9 bytes")
  private double kvGb;

  @Option(
      names = "--swap-gb",
      paramLabel = "GB",
      description = "pinned memory to swap to, on a GPU; 0 recomputes (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  private double swapGb;

  @Option(
      names = "--max-length",
      description = "most tokens of a sequence, prompt included (default: ${DEFAULT-VALUE})",
      defaultValue = "2048")
  private int maxLength;

  @Option(
      names = "--max-running",
      description = "largest batch (default: ${DEFAULT-VALUE})",
      defaultValue = "512")
  private int maxRunning;

  @Option(
      names = "--max-tokens-per-step",
      description = "token budget of a step (default: ${DEFAULT-VALUE})",
      defaultValue = "512")
  private int maxTokensPerStep;

  /** Returns the most tokens of a sequence, prompt included. */
  int maxLength() {
    return maxLength;
  }

  /** Returns the largest batch. */
  int maxRunning() {
    return maxRunning;
  }

  /** Returns the token budget of a step. */
  int maxTokensPerStep() {
    return maxTokensPerStep;
  }

  /** Returns whether the model runs on a GPU. */
  boolean onGpu() {
    return device.equals("cuda");
  }

  /**
   * Checks the options and reads the configuration of the model.
   *
   * @throws UsageException if an option is out of range, or there is no such model
   */
  ModelConfig check() {
    if (!onGpu() && !device.equals("cpu")) {
      throw new UsageException("--device " + device + ": must be cuda or cpu");
    }
    if (threads != null && threads < 1) {
      throw new UsageException("--threads must be at least 1, but is " + threads);
    }
    ModelConfig config = config();
    if (!(kvGb > 0 && swapGb >= 0)) {
      throw new UsageException("--kv-gb must be above 0 and --swap-gb at least 0");
    }
    return config;
  }

  private ModelConfig config() {
    Path path = path();
    try {
      return path == null
          ? ModelShapes.of(model, Math.max(LEAST_CONTEXT, maxLength))
          : ModelConfig.read(path);
    } catch (ModelFormatException | IllegalArgumentException e) {
      throw new UsageException("--model: " + e.getMessage());
    }
  }

  /** Returns the model's folder or file; null if the model is a shape. */
  private @Nullable Path path() {
    try {
      Path path = Path.of(model);
      return Files.exists(path) ? path : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /**
   * Loads the model.
   *
   * @param err gets a line for each tenth of random weights
   * @throws UsageException if the model cannot be read or the memory does not suffice
   */
  Executor load(PrintWriter err) {
    try {
      return onGpu() ? gpu(err) : cpu();
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    }
  }

  private Executor gpu(PrintWriter err) {
    Path path = path();
    JCudaExecutor.Builder builder =
        path == null ? BenchModel.random(config(), err) : JCudaExecutor.builder(path);
    return gpu.apply(builder)
        .kvPrecision(kv.precision())
        .kvBytes((long) (kvGb * 1e9))
        .swapBytes((long) (swapGb * 1e9))
        .maxContextTokens(maxLength)
        .maxSequencesPerStep(maxRunning)
        .maxTokensPerStep(maxTokensPerStep)
        .build();
  }

  private Executor cpu() {
    Path path = path();
    ModelConfig config = config();
    CpuExecutor.Builder builder =
        path == null
            ? CpuExecutor.builder(config, new RandomTensors(config, 1))
            : CpuExecutor.builder(path);
    if (threads != null) {
      builder.threads(threads);
    }
    return builder
        .kvPrecision(kv.precision())
        .weights(gpu.weights())
        .activations(gpu.activations())
        .kvBytes((long) (kvGb * 1e9))
        .build();
  }
}
