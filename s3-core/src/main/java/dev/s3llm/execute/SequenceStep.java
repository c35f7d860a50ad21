package dev.s3llm.execute;

/**
 * One sequence's part in a step: a read-only view that is valid until the step completes.
 *
 * <p>The step writes KV for positions {@code [startPosition, startPosition + tokenCount)} and
 * attends to positions {@code [0, startPosition + tokenCount)}. Position {@code p} lies in slot
 * {@code p % blockTokens} of block {@code block(p / blockTokens)}.
 *
 * <p>Any thread may read it while the step is in flight.
 */
public interface SequenceStep {

  /** Returns the sequence's id, which is unique within an engine and never changes. */
  long sequenceId();

  /** Returns the first position whose token is not in the KV cache yet, 0 or more. */
  int startPosition();

  /** Returns the number of new tokens, at least 1: a prefill chunk, or one token to decode. */
  int tokenCount();

  /**
   * Returns the token id at a position. The prompt comes first, then the output.
   *
   * @param position from 0 to {@code startPosition + tokenCount - 1}
   */
  int token(int position);

  /**
   * Returns the number of prompt tokens, at least 1. Later positions hold generated tokens; a
   * repetition penalty must tell the two apart.
   */
  int promptTokens();

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
   * Returns whether the step samples the token after its last position. False only for a prefill
   * chunk that is not the last one.
   */
  boolean samples();

  /** Returns the sampling parameters of the request. */
  SamplingParameters sampling();
}
