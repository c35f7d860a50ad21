package dev.s3llm.jcuda.internal.kv;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A prompt of zeros, or an opaque input, in the first KV blocks: a sequence of no engine, with
 * which an executor measures itself before the first request.
 *
 * @param tokens positions of the prompt, at least 1
 * @param input the opaque input that fills them, or null
 * @param profile sizes of the executor
 */
public record ProbeSequence(int tokens, SequenceStep.@Nullable Input input, ExecutorProfile profile)
    implements SequenceStep {
  private static final int MOST_TOKENS = 512;
  private static final int MOST_BLOCKS = 64;

  /** Returns the tokens of a probe: as many as a step and the memory take, up to 512. */
  public static int tokens(ExecutorProfile profile) {
    int step = Math.min(MOST_TOKENS, profile.maxTokensPerStep());
    return (int) Math.min(Math.min(step, profile.maxContextTokens()), profile.capacityTokens());
  }

  /** Returns copies between the first blocks and the first host blocks, up to 64 of them. */
  public static List<StepBatch.BlockCopy> copies(ExecutorProfile profile) {
    int blocks = Math.min(MOST_BLOCKS, Math.min(profile.blockCount(), profile.hostBlockCount()));
    return IntStream.range(0, blocks).mapToObj(i -> new StepBatch.BlockCopy(0, i, i)).toList();
  }

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
