package dev.s3llm.cpu;

import dev.s3llm.execute.StepBatch;

/** Opens the CPU executor's logits, which only its own package sees, to the tests of the GPU. */
public final class CpuLogits {
  private CpuLogits() {}

  /** Returns the logits of each sampled row, {@code [row][vocabulary]}. */
  public static float[] of(CpuExecutor executor, StepBatch batch) {
    return executor.logits(batch);
  }
}
