package dev.s3llm.testkit;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Arrays;
import java.util.List;

/**
 * A sequence that a test drives: its tokens, its block table, and the part that the next step
 * computes. A test either appends tokens itself, or applies whole results ({@link #apply}), which
 * also works for executors that commit several tokens or decode on a canvas. Not thread-safe.
 */
public final class HandDrivenSequence implements SequenceStep {
  private final long id;
  private final int[] blocks;
  private final int promptTokens;
  private SamplingParameters sampling;
  private int[] tokens;
  private int start;
  private int count;
  private int slots;
  private int maxNewTokens = Integer.MAX_VALUE / 2;
  private boolean fixed;
  private boolean canvas;
  private Input input;
  private int[] forbidden = {};
  private boolean features;
  private long[] allowed;
  private int logProbabilities = -1;

  /**
   * Creates a sequence without computed tokens.
   *
   * @param id id of the sequence
   * @param prompt token ids of the prompt, at least one
   * @param sampling sampling parameters
   * @param blocks numbers of the blocks of its block table, enough for all its slots
   */
  public HandDrivenSequence(long id, int[] prompt, SamplingParameters sampling, int... blocks) {
    this.id = id;
    this.tokens = prompt.clone();
    this.promptTokens = prompt.length;
    this.sampling = sampling;
    this.blocks = blocks;
  }

  /**
   * Sets the output limit; very large by default.
   *
   * @param tokens number of tokens, at least 1
   * @return this sequence
   */
  public HandDrivenSequence limit(int tokens) {
    maxNewTokens = tokens;
    return this;
  }

  /**
   * Sets the tokens that the next steps must not draw; none by default.
   *
   * @param tokens token ids, ascending
   * @return this sequence
   */
  public HandDrivenSequence forbid(int... tokens) {
    forbidden = tokens.clone();
    return this;
  }

  /**
   * Sets the tokens that the next steps may draw; every token by default.
   *
   * @param mask bit {@code t % 64} of word {@code t / 64} is set if token {@code t} may come; null
   *     for every token
   * @return this sequence
   */
  public HandDrivenSequence allow(long... mask) {
    allowed = mask;
    return this;
  }

  /**
   * Sets how many log probabilities the next steps request; none by default.
   *
   * @param most number of alternatives, 0 or more; -1 for none
   * @return this sequence
   */
  public HandDrivenSequence logProbabilities(int most) {
    logProbabilities = most;
    return this;
  }

  /**
   * Replaces the sampling parameters for the next steps.
   *
   * @param parameters the sampling parameters
   * @return this sequence
   */
  public HandDrivenSequence sampling(SamplingParameters parameters) {
    sampling = parameters;
    return this;
  }

  /**
   * Sets whether the next steps request features; false by default.
   *
   * @param wanted whether to request them
   * @return this sequence
   */
  public HandDrivenSequence features(boolean wanted) {
    features = wanted;
    return this;
  }

  /**
   * Sets the opaque input, whose slots are the first positions of the prompt.
   *
   * @param opaque the input
   * @return this sequence
   */
  public HandDrivenSequence with(Input opaque) {
    input = opaque;
    Arrays.fill(tokens, 0, opaque.slots(), StepResult.NO_TOKEN);
    return this;
  }

  /**
   * Sets that the KV does not grow step by step ({@code FIXED_CANVAS}), so that slots which a
   * result reports are a canvas.
   *
   * @return this sequence
   */
  public HandDrivenSequence fixed() {
    fixed = true;
    return this;
  }

  /**
   * Sets the part that the next step computes: the next tokens that are not in the KV cache, or the
   * whole canvas. An input is not cut.
   *
   * @param most largest number of tokens, at least 1
   * @return this sequence
   */
  public HandDrivenSequence chunk(int most) {
    start += count;
    boolean prefills = start < promptTokens;
    int end = canvas && prefills ? promptTokens : Math.max(tokens.length, slots);
    boolean whole = prefills ? input != null : canvas;
    count = whole ? Math.max(end, promptTokens) - start : Math.min(most, end - start);
    return this;
  }

  /**
   * Applies a result to this sequence: adds its tokens, and notes the slots of the next step.
   *
   * @param result the result of a step
   * @param index index of this sequence in the step's batch
   */
  public void apply(StepResult result, int index) {
    boolean sampled = samples();
    start += count;
    count = 0;
    if (!sampled) {
      return;
    }
    int[] committed = result.committed(index);
    canvas |= fixed && result.slots(index) > 0;
    slots = canvas ? Math.max(slots, result.slots(index)) : result.slots(index);
    if (canvas) {
      start = promptTokens;
    } else {
      start = tokens.length + Math.max(0, committed.length - 1);
    }
    for (int token : committed) {
      append(token);
    }
  }

  /**
   * Sets that the first positions are in the KV cache, because another sequence has computed them.
   *
   * @param position the first position to compute, a multiple of the tokens of a block
   * @return this sequence
   */
  public HandDrivenSequence startingAt(int position) {
    start = position;
    return this;
  }

  /** Loses all computed KV, as a preemption by recomputation does; the tokens stay. */
  public void startOver() {
    start = 0;
    count = 0;
    slots = canvas ? slots : 0;
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

  /** Returns the slots that the latest result has reported; 0 if it reported none. */
  public int slots() {
    return slots;
  }

  /** Returns whether the sequence decodes on a canvas. */
  public boolean onCanvas() {
    return canvas;
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
  public int committedTokens() {
    return tokens.length - promptTokens;
  }

  @Override
  public int maxNewTokens() {
    return maxNewTokens;
  }

  @Override
  public Input input() {
    return input;
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
    int end = start + count;
    return canvas ? end >= promptTokens : end >= tokens.length;
  }

  @Override
  public int[] forbiddenTokens() {
    return forbidden;
  }

  @Override
  public long[] allowedTokens() {
    return allowed;
  }

  @Override
  public int logProbabilities() {
    return samples() ? logProbabilities : -1;
  }

  @Override
  public boolean wantsFeatures() {
    return features && samples();
  }

  @Override
  public SamplingParameters sampling() {
    return sampling;
  }
}
