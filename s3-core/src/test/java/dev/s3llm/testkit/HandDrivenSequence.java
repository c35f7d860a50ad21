package dev.s3llm.testkit;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.Arrays;
import java.util.List;

/**
 * A sequence driven by hand: tokens, a block table, and the part of it that the next step computes.
 */
public final class HandDrivenSequence implements SequenceStep {
  private final long id;
  private final int[] blocks;
  private final int promptTokens;
  private final SamplingParameters sampling;
  private int[] tokens;
  private int start;
  private int count;

  /**
   * A sequence that has computed nothing yet.
   *
   * @param blocks its block table; covers all that it will hold
   */
  public HandDrivenSequence(long id, int[] prompt, SamplingParameters sampling, int... blocks) {
    this.id = id;
    this.tokens = prompt.clone();
    this.promptTokens = prompt.length;
    this.sampling = sampling;
    this.blocks = blocks;
  }

  /** Lets the next step compute up to this many of the tokens that are not in KV yet. */
  public HandDrivenSequence chunk(int most) {
    start += count;
    count = Math.min(most, tokens.length - start);
    return this;
  }

  /** Adds a sampled token. */
  public void append(int token) {
    tokens = Arrays.copyOf(tokens, tokens.length + 1);
    tokens[tokens.length - 1] = token;
  }

  /** The tokens added so far. */
  public int[] output() {
    return Arrays.copyOfRange(tokens, promptTokens, tokens.length);
  }

  /** A batch of this sequence only. */
  public StepBatch alone() {
    return new StepBatch(0, List.of(this), List.of(), List.of());
  }

  /** Replaces the block table, as a swap does. */
  public void moveTo(int... others) {
    System.arraycopy(others, 0, blocks, 0, blocks.length);
  }

  @Override
  public long sequenceId() {
    return id;
  }

  @Override
  public int startPosition() {
    return start;
  }

  @Override
  public int tokenCount() {
    return count;
  }

  @Override
  public int token(int position) {
    return tokens[position];
  }

  @Override
  public int promptTokens() {
    return promptTokens;
  }

  @Override
  public int block(int index) {
    return blocks[index];
  }

  @Override
  public int blockCount() {
    return blocks.length;
  }

  @Override
  public boolean samples() {
    return start + count == tokens.length;
  }

  @Override
  public SamplingParameters sampling() {
    return sampling;
  }
}
