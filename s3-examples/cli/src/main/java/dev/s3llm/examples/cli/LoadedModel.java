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
    return load(folder, options.device, options.kvBudget.bytes(), options.threads);
  }

  /** Loads a model folder onto a device; {@code threads} of the host, 0 for one a processor. */
  static LoadedModel load(Path folder, DeviceChoice device, long kvBytes, int threads) {
    if (device.isHost()) {
      HostExecutor.Builder builder = HostExecutor.builder(folder).kvBytes(kvBytes);
      if (threads > 0) {
        builder.threads(threads);
      }
      HostExecutor executor = builder.build();
      return new LoadedModel(executor, executor.config());
    }
    try {
      JCudaExecutor executor =
          JCudaExecutor.builder(folder).kvBytes(kvBytes).devices(device.numbers()).build();
      return new LoadedModel(executor, executor.config());
    } catch (IllegalStateException e) {
      throw new UsageException("--device: " + e.getMessage());
    }
  }
}
