package dev.s3llm.examples.cli;

import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.HostExecutor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.model.ModelConfig;
import java.nio.file.Path;

/** An executor, and the configuration of the model that it runs. */
record LoadedModel(Executor executor, ModelConfig config) {

  /** Loads a model folder onto the device that the options name. */
  static LoadedModel load(Path folder, GenerateOptions options) {
    long kvBytes = options.kvBudget.bytes();
    if (options.device.isHost()) {
      HostExecutor.Builder builder = HostExecutor.builder(folder).kvBytes(kvBytes);
      if (options.threads > 0) {
        builder.threads(options.threads);
      }
      HostExecutor executor = builder.build();
      return new LoadedModel(executor, executor.config());
    }
    try {
      JCudaExecutor executor =
          JCudaExecutor.builder(folder).kvBytes(kvBytes).devices(options.device.numbers()).build();
      return new LoadedModel(executor, executor.config());
    } catch (IllegalStateException e) {
      throw new UsageException("--device: " + e.getMessage());
    }
  }
}
