package dev.s3llm.engine.prefix;

/**
 * The full blocks of a request from its first token on, as the forgetting order sees them. While a
 * request runs, its chain grows by the blocks that its answer fills.
 */
public interface PrefixChain {

  /** Returns the number of full blocks, 0 or more. */
  int blocks();

  /**
   * Returns the hash over all tokens up to the end of a block, with model, adapter and salt.
   *
   * @param index number of the block from the start of the chain, from 0
   */
  long key(int index);

  /** Returns the tokens of a block, at least 1. */
  int blockTokens();

  /** Returns the length of the prompt in tokens, at least 1. */
  int promptTokens();

  /** Returns the tokens of the answer so far, 0 or more; by default as full blocks hold them. */
  default int outputTokens() {
    return Math.max(0, blocks() * blockTokens() - promptTokens());
  }

  /** Returns the number of the tenant, 0 or more; small numbers, given in order of appearance. */
  int tenant();

  /**
   * Returns the caller's estimate of the time until the next request with this beginning, in
   * nanoseconds after the end of the request; 0 if there is none.
   */
  default long expectedFollowUpNanos() {
    return 0;
  }

  /** Returns whether the caller announced that no further request follows. */
  default boolean sessionEnds() {
    return false;
  }
}
