package dev.s3llm.support;

/** Arithmetic of KV blocks. */
public final class KvBlocks {
  private KvBlocks() {}

  /**
   * Returns the number of blocks that hold a number of tokens, rounded up.
   *
   * @param tokens number of tokens, 0 or more
   * @param blockTokens token slots of a block, at least 1
   */
  public static int blocksFor(int tokens, int blockTokens) {
    return (int) (((long) tokens + blockTokens - 1) / blockTokens);
  }
}
