package dev.s3llm.examples.spark;

import java.io.Serializable;

/**
 * The settings of an executor's engine. Tasks with equal settings share one engine.
 *
 * @param model the model
 * @param threads threads of the model on the CPU; 0 for one for each processor; unused on GPUs
 * @param kvBytes bytes of KV memory; 0 for the default: all free memory of GPUs, 256 MiB on the CPU
 */
record EngineSettings(ModelChoice model, int threads, long kvBytes) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Refuses negative values. */
  EngineSettings {
    if (threads < 0 || kvBytes < 0) {
      throw new IllegalArgumentException(
          "threads and kvBytes must not be negative, but are %d and %d"
              .formatted(threads, kvBytes));
    }
  }
}
