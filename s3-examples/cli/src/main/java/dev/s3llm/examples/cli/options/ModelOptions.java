package dev.s3llm.examples.cli.options;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelFormatException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The model of a command, and the device that runs it. */
public final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description =
          "a Hugging Face folder of the Llama family or GPT-J (default: the embedded small model)")
  private @Nullable Path model;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      converter = DeviceChoice.Converter.class,
      description = "host, cuda, or cuda:N,M... for one stage a GPU (default: ${DEFAULT-VALUE})",
      defaultValue = "host")
  private DeviceChoice device = DeviceChoice.HOST;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model on the host (default: one for each processor)",
      defaultValue = "0")
  private int threads;

  /** Created by a command; picocli sets the fields. */
  public ModelOptions() {}

  /** Returns whether the command runs the embedded small model. */
  public boolean embedded() {
    return model == null;
  }

  /**
   * Checks the options.
   *
   * @throws UsageException if one is out of range or its folder is missing
   */
  public void check() {
    if (threads < 0) {
      throw new UsageException("--threads must be at least 1, but is " + threads);
    }
    if (model != null && !Files.isDirectory(model)) {
      throw new UsageException("--model: " + model + " is no folder");
    }
  }

  /** Returns the model's folder; unpacks the embedded model if the user named none. */
  public Path folder() {
    return model == null ? SmallModel.unpack() : model;
  }

  /**
   * Loads a model onto the device.
   *
   * @param folder the folder that {@link #folder} returned
   * @param kvMemory memory for keys and values
   * @return the executor, which the caller closes
   * @throws UsageException if the folder cannot be read, the memory does not fit, or the device
   *     cannot be used
   */
  public Executor load(Path folder, ByteSize kvMemory) {
    try {
      return device.isHost()
          ? onCpu(folder, kvMemory)
          : JCudaExecutor.builder(folder)
              .kvBytes(kvMemory.bytes())
              .devices(device.numbers())
              .build();
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    } catch (IllegalStateException e) {
      throw new UsageException("--device: " + e.getMessage());
    }
  }

  private Executor onCpu(Path folder, ByteSize kvMemory) {
    CpuExecutor.Builder builder = CpuExecutor.builder(folder).kvBytes(kvMemory.bytes());
    if (threads > 0) {
      builder.threads(threads);
    }
    try {
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw new UsageException("--kv-budget: " + e.getMessage());
    }
  }
}
