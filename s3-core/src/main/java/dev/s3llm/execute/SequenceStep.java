package dev.s3llm.execute;

import org.jspecify.annotations.Nullable;

/**
 * One sequence's part in a step: a read-only view that is valid until the step completes.
 *
 * <p>The step writes KV for positions {@code [startPosition, startPosition + tokenCount)} and
 * attends to positions {@code [0, startPosition + tokenCount)}. Position {@code p} lies in slot
 * {@code p % blockTokens} of block {@code block(p / blockTokens)}.
 *
 * <p>The positions of a sequence are, in this order: its {@link #input}, if it has one; the tokens
 * of its prompt; then its output. A sequence that decodes token by token has one position for each
 * output token. If the executor has reported slots beyond the context ({@link StepResult#slots}),
 * the positions beyond the known tokens are the executor's own: for drafts, or for a canvas.
 *
 * <p><em>Canvas.</em> With {@link ExecutorProfile.KvGrowth#FIXED_CANVAS}, slots that the executor
 * reports are a canvas. Each later step of the sequence is a pass over all positions of the canvas,
 * {@code [promptTokens, slots)}, and {@code samples} is true. The executor keeps the state of the
 * canvas (ids, scores, number of the pass) by sequence id. It drops the state when {@link
 * Executor#released} is called, or when a step starts at position 0. A sequence that starts over
 * repeats its passes, and commits only the tokens after the first {@link #committedTokens}.
 *
 * <p>Any thread may read it while the step is in flight.
 */
public interface SequenceStep {

  /** Returns the sequence's id, which is unique within an engine and never changes. */
  long sequenceId();

  /** Returns the first position whose token is not in the KV cache yet, 0 or more. */
  int startPosition();

  /**
   * Returns the number of positions to compute, at least 1: a prefill chunk, one token to decode
   * and drafts after it, or a whole canvas.
   */
  int tokenCount();

  /**
   * Returns the token id at a position: of the prompt, then of the output. {@link
   * StepResult#NO_TOKEN} at a position of the input.
   *
   * @param position from 0 to {@code promptTokens + committedTokens - 1}
   */
  int token(int position);

  /**
   * Returns the number of prompt positions, input and tokens, at least 1. Later positions hold
   * generated tokens; a repetition penalty must tell the two apart.
   */
  int promptTokens();

  /** Returns the number of output tokens that were committed before this step, 0 or more. */
  int committedTokens();

  /**
   * Returns the output limit in tokens, at least 1: the sequence has at most {@code promptTokens +
   * maxNewTokens} slots.
   */
  int maxNewTokens();

  /**
   * Returns the request's opaque input, which fills the first {@link Input#slots} positions; null
   * if it has none.
   */
  @Nullable Input input();

  /**
   * Returns the number of the device block that holds the positions from {@code index *
   * blockTokens} on.
   *
   * @param index place in the block table, from 0 to {@code blockCount - 1}
   */
  int block(int index);

  /** Returns the number of blocks in the block table, which covers every position of this step. */
  int blockCount();

  /**
   * Returns whether the step may commit tokens. False only for a prefill chunk that is not the last
   * one.
   */
  boolean samples();

  /** Returns the sampling parameters of the request. */
  SamplingParameters sampling();

  /**
   * Returns the token ids that this step must not draw, ascending: the stop tokens while the answer
   * is shorter than the request's least length. Empty for most steps, and unless the executor masks
   * tokens ({@link ExecutorProfile#masksTokens}); at most {@link ExecutorProfile#MOST_FORBIDDEN}.
   * Before it draws, the executor takes the probability of these tokens as zero, after a repetition
   * penalty and before top-k and top-p. The array is shared and must not be changed.
   */
  default int[] forbiddenTokens() {
    return new int[0];
  }

  /**
   * Returns whether the result should have the features of the latest known token ({@link
   * StepResult#features}), at position {@code promptTokens + committedTokens - 1}: {@link
   * ExecutorProfile#featureWidth} values that depend on the positions up to that one alone. A
   * predictor reads them; tokens never depend on them. False for most steps; always false if the
   * width is 0, if the step does not sample, and for a pass over a canvas.
   */
  default boolean wantsFeatures() {
    return false;
  }

  /**
   * An input that is no text, such as the features of audio, for executors that understand it
   * ({@link ExecutorProfile#takesInputs}). The engine passes it on, and computes all of its
   * positions in one step. Must not change after the request is built.
   */
  interface Input {
    /** Returns the number of KV slots that the input fills, at least 1. */
    int slots();
  }

  /**
   * A rule for the next token of an answer, which an executor applies before it samples. No
   * executor of this version applies such rules, so a request with one is refused.
   */
  interface TokenConstraint {
    /**
     * Returns whether a token may come next.
     *
     * @param output the tokens so far, of which the first {@code length} count; must not be changed
     * @param length number of output tokens so far, 0 or more
     * @param token id of the token, from 0 to the size of the vocabulary minus 1
     */
    boolean allows(int[] output, int length, int token);
  }
}
