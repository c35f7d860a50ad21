package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.Arrays;
import java.util.List;

/**
 * A sequence driven by hand: tokens, a block table, and the part of it that the next step computes.
 */
final class TestSequence implements SequenceStep {
  private final long id;
  private final int[] blocks;
  private final int promptTokens;
  private final SamplingParameters sampling;
  private int[] tokens;
  private int start;
  private int count;

  TestSequence(long id, int[] prompt, SamplingParameters sampling, int... blocks) {
    this.id = id;
    this.tokens = prompt.clone();
    this.promptTokens = prompt.length;
    this.sampling = sampling;
    this.blocks = blocks;
  }

  /** Lets the next step compute up to this many of the tokens that are not in KV yet. */
  TestSequence chunk(int most) {
    start += count;
    count = Math.min(most, tokens.length - start);
    return this;
  }

  void append(int token) {
    tokens = Arrays.copyOf(tokens, tokens.length + 1);
    tokens[tokens.length - 1] = token;
  }

  int[] output() {
    return Arrays.copyOfRange(tokens, promptTokens, tokens.length);
  }

  StepBatch alone() {
    return new StepBatch(0, List.of(this), List.of(), List.of());
  }

  void moveTo(int... others) {
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
