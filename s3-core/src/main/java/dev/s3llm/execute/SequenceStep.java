package dev.s3llm.execute;

/**
 * One sequence's part in a step: a read-only view that is valid until the step completes.
 *
 * <p>The step writes KV for positions {@code [startPosition, startPosition + tokenCount)} and
 * attends to positions {@code [0, startPosition + tokenCount)}. Position {@code p} lives in slot
 * {@code p % blockTokens} of block {@code block(p / blockTokens)}.
 */
public interface SequenceStep {

  /** Identifies the sequence over its life, unique within an engine. */
  long sequenceId();

  /** The first position whose token is new to the KV cache. */
  int startPosition();

  /** How many tokens are new: a prefill chunk, or one for a decode. At least one. */
  int tokenCount();

  /** The token id at a position below {@code startPosition + tokenCount}: prompt, then output. */
  int token(int position);

  /** Tokens of the prompt; later positions were generated (repetition penalties need to know). */
  int promptTokens();

  /** The device block that holds positions from {@code index * blockTokens} on. */
  int block(int index);

  /** Blocks in the block table; they cover every position of this step. */
  int blockCount();

  /**
   * Whether the token after the last position is sampled (always, but for inner prefill chunks).
   */
  boolean samples();

  /** How to sample. */
  SamplingParameters sampling();
}
