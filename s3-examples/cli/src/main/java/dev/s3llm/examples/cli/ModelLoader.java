package dev.s3llm.examples.cli;

import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.HostExecutor;
import dev.s3llm.jcuda.JCudaExecutor;
import java.nio.file.Path;

/** Loads a model onto a device. */
final class ModelLoader {
  private ModelLoader() {}

  /** Loads a model folder onto the device that the options name. */
  static Executor load(Path folder, GenerateOptions options) {
    long kvBytes = options.kvBudget.bytes();
    if (options.device.isHost()) {
      HostExecutor.Builder builder = HostExecutor.builder(folder).kvBytes(kvBytes);
      if (options.threads > 0) {
        builder.threads(options.threads);
      }
      return builder.build();
    }
    try {
      return JCudaExecutor.builder(folder)
          .kvBytes(kvBytes)
          .devices(options.device.numbers())
          .build();
    } catch (IllegalStateException e) {
      throw new UsageException("--device: " + e.getMessage());
    }
  }
}
