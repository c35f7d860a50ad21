package dev.s3llm.engine.prefix;

/**
 * The hash chain by which blocks are found: the key of a block is a hash of the key of the block
 * before it and of its own tokens, so that it stands for all tokens up to its end. Keys only find
 * candidates; {@link PrefixCache} compares the tokens.
 */
public final class PrefixHash {
  private static final long TOKEN = 0x9E3779B97F4A7C15L;
  private static final long STEP = 0x3C79AC492BA7B653L;

  private PrefixHash() {}

  /**
   * Returns the key before the first block.
   *
   * @param scope the requests that may share blocks
   */
  public static long root(String scope) {
    long hash = scope.length();
    for (int i = 0; i < scope.length(); i++) {
      hash = step(hash, scope.charAt(i));
    }
    return finish(hash);
  }

  /**
   * Returns the key of a block.
   *
   * @param before the key of the block before it
   * @param tokens token ids by position
   * @param from position of the block's first token
   * @param count tokens of a block
   */
  public static long next(long before, int[] tokens, int from, int count) {
    long hash = before;
    for (int i = from; i < from + count; i++) {
      hash = step(hash, tokens[i]);
    }
    return finish(hash);
  }

  private static long step(long hash, int value) {
    return (Long.rotateLeft(hash, 27) ^ (value + 1L) * TOKEN) * STEP;
  }

  private static long finish(long hash) {
    long mixed = (hash ^ (hash >>> 32)) * TOKEN;
    return mixed ^ (mixed >>> 29);
  }
}
