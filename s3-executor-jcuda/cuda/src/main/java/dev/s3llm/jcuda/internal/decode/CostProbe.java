package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.kv.ProbeSequence;
import java.util.List;

/**
 * Measures, before the first request, the costs of swapping a block and of prefilling a token on
 * this machine. Its steps also load the kernels.
 */
public final class CostProbe {
  private CostProbe() {}

  /** Runs a few steps on KV blocks that no sequence owns yet, and returns their costs. */
  public static RecoveryCosts measure(CudaPipeline pipeline, ExecutorProfile profile) {
    int tokens = ProbeSequence.tokens(profile);
    StepBatch prefill =
        new StepBatch(0, List.of(new ProbeSequence(tokens, null, profile)), List.of(), List.of());
    pipeline.run(prefill);
    double recompute = nanos(pipeline, prefill) / tokens;
    List<StepBatch.BlockCopy> copies = ProbeSequence.copies(profile);
    if (copies.isEmpty()) {
      return new RecoveryCosts(0, recompute);
    }
    StepBatch out = new StepBatch(0, List.of(), copies, List.of());
    StepBatch in = new StepBatch(0, List.of(), List.of(), copies);
    pipeline.run(out);
    double swap = (nanos(pipeline, out) + nanos(pipeline, in)) / copies.size();
    return new RecoveryCosts(swap, recompute);
  }

  private static double nanos(CudaPipeline pipeline, StepBatch batch) {
    long start = System.nanoTime();
    pipeline.run(batch);
    return System.nanoTime() - start;
  }
}
