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
   * Returns the tokens that this step may draw, as {@link TokenConstraint.State#mask} does, with
   * the stop tokens that may end the answer here; null if every token may come. The executor takes
   * the probability of all others as zero, together with {@link #forbiddenTokens}. At least one
   * token is left. The array has a bit for every token of the vocabulary, is shared and must not be
   * changed: its content stays the same as long as the array exists, so that an executor may keep a
   * copy of it, on a device say, for later steps with the same array.
   *
   * <p>The mask is of the first token that the step commits. An executor that commits several must
   * commit one only, unless it knows that the rule allows the others.
   */
  default long @Nullable [] allowedTokens() {
    return null;
  }

  /**
   * Returns how many log probabilities the result should have for each token that this step commits
   * ({@link StepResult#logProbabilities}): those of the token itself and of the {@code n} most
   * probable tokens. Always -1 if the step does not sample, or the executor reports none ({@link
   * ExecutorProfile#reportsLogProbabilities}).
   *
   * @return {@code n} from 0 to {@link ExecutorProfile#MOST_LOG_PROBABILITIES}; -1 for none
   */
  default int logProbabilities() {
    return -1;
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
   * A rule for the tokens of an answer, such as a JSON schema. The engine follows the answer
   * through the states of the rule, and each step has the mask of its state ({@link
   * #allowedTokens}). One constraint may serve any number of requests at a time.
   *
   * <p>Implementations are thread-safe. The engine calls {@link State#mask} and {@link State#after}
   * away from its loop, so they may take time; a sequence whose mask is not ready sits out the
   * step. A call that has not returned after 15 to 30 seconds fails its request, and its thread is
   * interrupted.
   */
  interface TokenConstraint {
    /** Returns the state before the first token. */
    State start();

    /**
     * Returns a lower bound of the number of tokens of an answer that keeps the rule, without stop
     * token, 0 or more.
     */
    int shortest();

    /**
     * Returns an upper bound of the number of tokens of an answer that keeps the rule, without stop
     * token; {@link Integer#MAX_VALUE} if there is none.
     */
    int longest();

    /** A place in the rule. Immutable and thread-safe. */
    interface State {
      /**
       * Returns the tokens that may come next: token {@code t} may if bit {@code t % 64} of word
       * {@code t / 64} is set. Stop tokens are not part of it: they may come if the answer is
       * {@link #complete}. The array may be shared between states, and must not be changed by
       * anyone, the constraint included: executors keep copies of masks and know them by their
       * arrays. States with equal masks should share an array, also between answers, since each
       * array is copied anew.
       *
       * @param tokensLeft number of tokens that the answer may still have, at least 1. As it nears
       *     the least number that completes the answer, the mask leaves only tokens from which the
       *     answer can still be completed; if no token can, it is as if the limit were far
       */
      long[] mask(int tokensLeft);

      /**
       * Returns the state after one more token.
       *
       * @param token id of a token of the mask
       * @throws IllegalArgumentException if the token may not come here
       */
      State after(int token);

      /** Returns whether the answer keeps the rule if it ends here. */
      boolean complete();
    }
  }
}
