package dev.s3llm.simulate;

import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;

/**
 * How long a step takes: a roofline. The model reads its weights and the batch's keys and values
 * once, or computes two operations for each weight and new token, whichever takes longer; where
 * nothing overlaps, the keys and values come after that. Copies to and from host memory come
 * before.
 *
 * @param model the model
 * @param gpu what it runs on
 */
public record CostModel(ModelShape model, GpuProfile gpu) {
  private static final double NANOS_PER_SECOND = 1e9;

  /**
   * Nanoseconds that a step takes.
   *
   * @param newTokens tokens that the model processes; none means that only copies are due
   * @param kvTokens tokens attended to, the new ones included
   * @param copiedBytes bytes copied to or from host memory
   */
  public long stepNanos(long newTokens, long kvTokens, long copiedBytes) {
    double weights = model.weightBytes() / gpu.bytesPerSecond();
    double kv = (double) kvTokens * model.kvBytesPerToken() / gpu.bytesPerSecond();
    double compute = newTokens * secondsPerToken();
    double copies = copiedBytes / gpu.swapBytesPerSecond();
    double step =
        gpu.overlaps() ? Math.max(weights + kv, compute) : Math.max(weights, compute) + kv;
    double seconds = (newTokens == 0 ? 0 : step) + copies;
    return gpu.overheadNanos() + Math.round(seconds * NANOS_PER_SECOND);
  }

  /** Nanoseconds that this batch takes with KV blocks of the given size. */
  public long stepNanos(StepBatch batch, long bytesPerBlock) {
    long newTokens = 0;
    long kvTokens = 0;
    for (SequenceStep sequence : batch.sequences()) {
      newTokens += sequence.tokenCount();
      kvTokens += (long) sequence.startPosition() + sequence.tokenCount();
    }
    long copies = (long) batch.swapOuts().size() + batch.swapIns().size();
    return stepNanos(newTokens, kvTokens, copies * bytesPerBlock);
  }

  /** What bringing a preempted sequence back costs by this model. */
  public RecoveryCosts recoveryCosts(int blockTokens) {
    double blockBytes = (double) blockTokens * model.kvBytesPerToken();
    double swapSeconds = 2 * blockBytes / gpu.swapBytesPerSecond();
    return new RecoveryCosts(swapSeconds * NANOS_PER_SECOND, secondsPerToken() * NANOS_PER_SECOND);
  }

  private double secondsPerToken() {
    return 2 * model.parameters() / gpu.flops();
  }
}
