package dev.s3llm.testkit;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.Arrays;
import java.util.List;

/**
 * A sequence that a test drives: its tokens, its block table, and the part that the next step
 * computes. Not thread-safe.
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
   * Creates a sequence without computed tokens.
   *
   * @param id id of the sequence
   * @param prompt token ids of the prompt, at least one
   * @param sampling sampling parameters
   * @param blocks numbers of the blocks of its block table, enough for all its tokens
   */
  public HandDrivenSequence(long id, int[] prompt, SamplingParameters sampling, int... blocks) {
    this.id = id;
    this.tokens = prompt.clone();
    this.promptTokens = prompt.length;
    this.sampling = sampling;
    this.blocks = blocks;
  }

  /**
   * Sets the part that the next step computes: the next tokens that are not in the KV cache.
   *
   * @param most largest number of tokens, at least 1
   * @return this sequence
   */
  public HandDrivenSequence chunk(int most) {
    start += count;
    count = Math.min(most, tokens.length - start);
    return this;
  }

  /**
   * Adds a sampled token.
   *
   * @param token the token id
   */
  public void append(int token) {
    tokens = Arrays.copyOf(tokens, tokens.length + 1);
    tokens[tokens.length - 1] = token;
  }

  /** Returns the tokens added so far. */
  public int[] output() {
    return Arrays.copyOfRange(tokens, promptTokens, tokens.length);
  }

  /** Returns a batch of this sequence alone. */
  public StepBatch alone() {
    return new StepBatch(0, List.of(this), List.of(), List.of());
  }

  /**
   * Replaces the block table, as a swap does.
   *
   * @param others numbers of the new blocks, as many as the old ones
   */
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
