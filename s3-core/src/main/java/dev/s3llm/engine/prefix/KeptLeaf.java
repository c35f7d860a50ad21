package dev.s3llm.engine.prefix;

/**
 * A kept block that may be forgotten: no request owns it, and no kept or owned block continues it.
 */
public interface KeptLeaf {

  /** Returns the use of its last owner. Does not change while the leaf is in an order. */
  PrefixUse use();

  /** Returns the tokens from the start of the chain to the end of the block, at least 1. */
  int depthTokens();

  /** Returns the key of the block; see {@link PrefixChain#key(int)}. */
  long key();

  /** Returns the value that the order stored last; 0 if it never did. */
  long mark();

  /**
   * Stores a value for the order, which finds the leaf by it without a map.
   *
   * @param value any value; the leaf does not interpret it
   */
  void mark(long value);
}
