package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Measures, before the first request, the costs of swapping a block and of prefilling a token on
 * this machine. Its steps also load the kernels.
 */
public final class CostProbe {
  private static final int MOST_TOKENS = 512;
  private static final int MOST_BLOCKS = 64;

  private CostProbe() {}

  /** Runs a few steps on KV blocks that no sequence owns yet, and returns their costs. */
  public static RecoveryCosts measure(CudaPipeline pipeline, ExecutorProfile profile) {
    int tokens =
        (int)
            Math.min(
                Math.min(MOST_TOKENS, profile.maxTokensPerStep()),
                Math.min(profile.maxContextTokens(), profile.capacityTokens()));
    StepBatch prefill = new StepBatch(0, List.of(new Chunk(tokens, profile)), List.of(), List.of());
    pipeline.run(prefill);
    double recompute = nanos(pipeline, prefill) / tokens;
    int blocks = Math.min(MOST_BLOCKS, Math.min(profile.blockCount(), profile.hostBlockCount()));
    if (blocks == 0) {
      return new RecoveryCosts(0, recompute);
    }
    List<StepBatch.BlockCopy> copies = new ArrayList<>();
    for (int i = 0; i < blocks; i++) {
      copies.add(new StepBatch.BlockCopy(0, i, i));
    }
    StepBatch out = new StepBatch(0, List.of(), copies, List.of());
    StepBatch in = new StepBatch(0, List.of(), List.of(), copies);
    pipeline.run(out);
    double swap = (nanos(pipeline, out) + nanos(pipeline, in)) / blocks;
    return new RecoveryCosts(swap, recompute);
  }

  private static double nanos(CudaPipeline pipeline, StepBatch batch) {
    long start = System.nanoTime();
    pipeline.run(batch);
    return System.nanoTime() - start;
  }

  /** A prompt of zeros in the first blocks. */
  private record Chunk(int tokens, ExecutorProfile profile) implements SequenceStep {
    @Override
    public long sequenceId() {
      return Long.MAX_VALUE;
    }

    @Override
    public int startPosition() {
      return 0;
    }

    @Override
    public int tokenCount() {
      return tokens;
    }

    @Override
    public int token(int position) {
      return 0;
    }

    @Override
    public int promptTokens() {
      return tokens;
    }

    @Override
    public int committedTokens() {
      return 0;
    }

    @Override
    public int maxNewTokens() {
      return 1;
    }

    @Override
    public @Nullable Input input() {
      return null;
    }

    @Override
    public int block(int index) {
      return index;
    }

    @Override
    public int blockCount() {
      return profile.blocksFor(tokens);
    }

    @Override
    public boolean samples() {
      return true;
    }

    @Override
    public SamplingParameters sampling() {
      return SamplingParameters.GREEDY;
    }
  }
}
