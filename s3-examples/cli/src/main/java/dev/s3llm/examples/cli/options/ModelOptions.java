package dev.s3llm.examples.cli.options;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.StoredWeights;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The model of a command, and the device that runs it. */
public final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "a Hugging Face folder or a .gguf file, see docs/models.md (default: the embedded toy"
              + " model, for tests and first steps)")
  private @Nullable Path model;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      converter = DeviceChoice.Converter.class,
      description =
          "cpu (or host), cuda, cuda:N,M... for one stage a GPU, cuda:N+M... for every layer on"
              + " all, or auto: the first GPU if there is one, else the CPU (default: ${DEFAULT-VALUE})",
      defaultValue = "cpu")
  private DeviceChoice device = DeviceChoice.HOST;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model on the CPU (default: one for each processor)",
      defaultValue = "0")
  private int threads;

  @Mixin private KvOption kv = new KvOption();

  @Mixin private WeightsOption weights = new WeightsOption();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  private boolean saidToy;

  /** Created by a command; picocli sets the fields. */
  @SuppressWarnings("NullAway.Init")
  public ModelOptions() {}

  /** Returns whether the command runs the embedded small model. */
  public boolean embedded() {
    return model == null;
  }

  /**
   * Checks the options. Of a model it reads the configuration and the headers of the weights, so
   * that a folder of another kind is refused before anything of it is loaded.
   *
   * @throws UsageException if one is out of range, or there is no model at the path that can run
   */
  public void check() {
    if (threads < 0) {
      throw new UsageException("--threads must be at least 1, but is " + threads);
    }
    if (model != null) {
      requireLoadable(model);
    }
  }

  private static void requireLoadable(Path model) {
    try {
      ModelConfig unusedConfig = ModelConfig.read(model);
      StoredWeights unusedHeaders = StoredWeights.read(model);
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    }
  }

  /** Returns the model's folder or GGUF file; unpacks the embedded model if the user named none. */
  public Path path() {
    return model == null ? SmallModel.unpack() : model;
  }

  /**
   * Loads a model onto the device. At the first call, prints that the embedded model is a toy.
   *
   * @param path the path that {@link #path} returned
   * @param kvMemory memory for keys and values
   * @return the executor, which the caller closes
   * @throws UsageException if the model cannot be read, the memory does not fit, or the device
   *     cannot be used
   */
  public Executor load(Path path, ByteSize kvMemory) {
    return load(path, kvMemory, 0);
  }

  /**
   * Loads a model that returns the hidden states of a layer; otherwise like {@link #load(Path,
   * ByteSize)}.
   *
   * @param path the path that {@link #path} returned
   * @param kvMemory memory for keys and values
   * @param featureLayer the layer, from 1; 0 for none
   * @return the executor, which the caller closes
   * @throws UsageException if the model cannot be read, the memory does not fit, or the device
   *     cannot be used
   */
  public Executor load(Path path, ByteSize kvMemory, int featureLayer) {
    try {
      Executor executor =
          device.isAuto()
              ? onAnyDevice(path, kvMemory, featureLayer)
              : onDevice(path, kvMemory, featureLayer);
      sayToy();
      return executor;
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    } catch (IllegalStateException e) {
      throw new UsageException("--device: " + e.getMessage());
    }
  }

  private void sayToy() {
    if (embedded() && !saidToy) {
      saidToy = true;
      PrintWriter err = command.commandLine().getErr();
      err.printf(
          "s3-cli: %s; --model FOLDER or --model FILE.gguf runs a real one, see docs/models.md%n",
          SmallModel.NOTICE);
      err.flush();
    }
  }

  private Executor onDevice(Path path, ByteSize kvMemory, int featureLayer) {
    return device.isHost()
        ? onCpu(path, kvMemory, featureLayer)
        : onGpu(path, kvMemory, featureLayer, device);
  }

  private Executor onAnyDevice(Path path, ByteSize kvMemory, int featureLayer) {
    try {
      return onGpu(path, kvMemory, featureLayer, DeviceChoice.FIRST_GPU);
    } catch (IllegalStateException | IllegalArgumentException e) {
      return onCpu(path, kvMemory, featureLayer);
    }
  }

  private Executor onGpu(Path path, ByteSize kvMemory, int featureLayer, DeviceChoice gpus) {
    JCudaExecutor.Builder builder =
        JCudaExecutor.builder(path)
            .kvBytes(kvMemory.bytes())
            .kvPrecision(kv.precision())
            .weights(weights.format())
            .activations(weights.activations());
    if (gpus.together()) {
      builder.cards(gpus.numbers());
    } else {
      builder.devices(gpus.numbers());
    }
    if (featureLayer > 0) {
      builder.featureLayer(featureLayer);
    }
    return builder.build();
  }

  private Executor onCpu(Path path, ByteSize kvMemory, int featureLayer) {
    CpuExecutor.Builder builder =
        CpuExecutor.builder(path)
            .kvBytes(kvMemory.bytes())
            .kvPrecision(kv.precision())
            .weights(weights.format())
            .activations(weights.activations());
    if (featureLayer > 0) {
      builder.featureLayer(featureLayer);
    }
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
