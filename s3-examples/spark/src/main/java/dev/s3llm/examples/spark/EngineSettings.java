package dev.s3llm.examples.spark;

import java.io.Serializable;

/**
 * How an executor's engine is made. Equal settings share one engine.
 *
 * @param threads threads of the host executor, 0 for one for each processor; unused on GPUs
 * @param kvBytes KV memory; 0 for the default: all that is free on GPUs, 256 MiB on the host
 */
record EngineSettings(ModelChoice model, int threads, long kvBytes) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Validates that nothing is negative. */
  EngineSettings {
    if (threads < 0 || kvBytes < 0) {
      throw new IllegalArgumentException(
          "threads and kvBytes must not be negative, but are %d and %d"
              .formatted(threads, kvBytes));
    }
  }
}
