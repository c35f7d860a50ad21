package dev.s3llm.examples.cli;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelFormatException;
import java.nio.file.Path;

/** Loads a model onto a device. */
final class ModelLoader {
  private ModelLoader() {}

  /** Loads a model folder onto the device that the options name. */
  static Executor load(Path folder, GenerateOptions options) {
    return load(folder, options.device, options.kvBudget.bytes(), options.threads);
  }

  /** Loads a model folder onto a device; {@code threads} of the host, 0 for one a processor. */
  static Executor load(Path folder, DeviceChoice device, long kvBytes, int threads) {
    try {
      return device.isHost()
          ? cpu(folder, kvBytes, threads)
          : JCudaExecutor.builder(folder).kvBytes(kvBytes).devices(device.numbers()).build();
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    } catch (IllegalStateException e) {
      throw new UsageException("--device: " + e.getMessage());
    }
  }

  private static Executor cpu(Path folder, long kvBytes, int threads) {
    CpuExecutor.Builder builder = CpuExecutor.builder(folder).kvBytes(kvBytes);
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
