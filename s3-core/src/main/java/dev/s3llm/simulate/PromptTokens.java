package dev.s3llm.simulate;

/**
 * The token ids of a simulated prompt. Prompts begin alike as far as the ids of their {@linkplain
 * Trace.Request#blocks blocks} are equal. The last token is the index of the request, which gives
 * the executor the length of the answer; without ids, it is the first token, too.
 */
final class PromptTokens {
  private static final long MIX = 0x9E3779B97F4A7C15L;
  private static final long MIX_AGAIN = 0xBF58476D1CE4E5B9L;

  private PromptTokens() {}

  /**
   * Returns the tokens of a request.
   *
   * @param request the request
   * @param index its index in the trace, from 0
   */
  static int[] of(Trace.Request request, int index) {
    int[] tokens = new int[request.promptTokens()];
    if (request.blocks().isEmpty()) {
      tokens[0] = index;
    } else {
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = token(request.blocks().get(i / Trace.Request.BLOCK_TOKENS), i);
      }
    }
    tokens[tokens.length - 1] = index;
    return tokens;
  }

  /** Returns a token of a block, below the size of the vocabulary. */
  private static int token(long block, int position) {
    long mixed = ((block * MIX) ^ position) * MIX_AGAIN;
    return Math.floorMod(mixed ^ (mixed >>> 32), SimulatedExecutor.VOCABULARY_SIZE);
  }
}
