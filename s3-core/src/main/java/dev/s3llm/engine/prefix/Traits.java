package dev.s3llm.engine.prefix;

/**
 * The traits of a block's last use on which the chance of a return depends, each in a few levels,
 * packed into an int with three bits for each trait.
 */
final class Traits {
  /** How often a block was used before, up to the last use: 0, 1, 2, 3 to 4, 5 to 15, more. */
  static final int SEEN = 0;

  /** The share of the prompt that was used before, behind what is hot. */
  static final int SHARE = 1;

  /** Tokens of the answer. */
  static final int OUTPUT = 2;

  /** Time from the use before to this one. */
  static final int GAP = 3;

  /** Length of the prompt. */
  static final int LENGTH = 4;

  /** The tenant: the first seven separately, all others together. */
  static final int TENANT = 5;

  /** What the caller announced: nothing, the end, or a request within so much time. */
  static final int HINT = 6;

  /** Number of traits. */
  static final int COUNT = 7;

  /** Number of levels of each trait, at most. */
  static final int LEVELS = 8;

  /** Least number of earlier uses of each level of {@link #SEEN} but the first. */
  static final int[] SEEN_TIMES = {1, 2, 3, 5, 16};

  /** The level of blocks that so many requests use that they say nothing about a conversation. */
  static final int HOT = SEEN_TIMES.length;

  private static final int BITS = 3;
  private static final int MASK = LEVELS - 1;

  private static final double[] SHARES = {0.3, 0.6, 0.85, 0.95};
  private static final double[] OUTPUT_TOKENS = {50, 150, 300, 500, 800};
  private static final double[] GAP_SECONDS = {20, 60, 120, 300, 600};
  private static final double[] PROMPT_TOKENS = {2048, 8192, 16384, 32768};
  private static final double[] FOLLOW_UP_SECONDS = {10, 60, 300};
  private static final int SESSION_ENDS = 1;
  private static final double NANOS_PER_SECOND = 1e9;

  private Traits() {}

  /** Returns the level of a trait. */
  static int level(int traits, int trait) {
    return (traits >>> (BITS * trait)) & MASK;
  }

  /** Returns the traits with another level of one of them. */
  static int with(int traits, int trait, int level) {
    return (traits & ~(MASK << (BITS * trait))) | (level << (BITS * trait));
  }

  /**
   * Returns what is known when a request begins: all but {@link #SEEN} and {@link #OUTPUT}.
   *
   * @param chain its blocks
   * @param seenTokens tokens of the prompt that were used before so often, for each of {@link
   *     #SEEN_TIMES}
   * @param gapNanos time since the last use of the deepest known block, in nanoseconds
   */
  static int of(PrefixChain chain, int[] seenTokens, long gapNanos) {
    int hot = seenTokens[HOT - 1];
    int traits = 0;
    if (seenTokens[0] > hot) {
      double share = (double) (seenTokens[0] - hot) / Math.max(1, chain.promptTokens() - hot);
      traits = with(traits, SHARE, 1 + above(SHARES, share));
      traits = with(traits, GAP, 1 + above(GAP_SECONDS, gapNanos / NANOS_PER_SECOND));
    }
    traits = with(traits, LENGTH, above(PROMPT_TOKENS, chain.promptTokens()));
    traits = with(traits, TENANT, Math.min(chain.tenant(), LEVELS - 1));
    return with(traits, HINT, hint(chain));
  }

  private static int hint(PrefixChain chain) {
    if (chain.sessionEnds()) {
      return SESSION_ENDS;
    }
    double seconds = chain.expectedFollowUpNanos() / NANOS_PER_SECOND;
    return seconds <= 0 ? 0 : SESSION_ENDS + 1 + above(FOLLOW_UP_SECONDS, seconds);
  }

  /** Returns the traits of a request when its answer is known. */
  static int answered(int traits, int outputTokens) {
    return with(traits, OUTPUT, above(OUTPUT_TOKENS, outputTokens));
  }

  /**
   * Returns the traits of a block of a request.
   *
   * @param facts what is known about the request
   * @param depthTokens tokens from the start to the end of the block
   */
  static int at(PrefixUse.Facts facts, int depthTokens) {
    int level = 0;
    while (level < HOT && facts.seenTokens()[level] >= depthTokens) {
      level++;
    }
    return with(facts.traits(), SEEN, level);
  }

  /**
   * Returns the factor on the chance of a return that is assumed for a level before anything was
   * observed.
   */
  static double assumed(int trait, int level) {
    if (trait != HINT || level == 0) {
      return 1;
    }
    return level == SESSION_ENDS ? 0.1 : 2;
  }

  private static int above(double[] limits, double value) {
    int level = 0;
    while (level < limits.length && value >= limits[level]) {
      level++;
    }
    return level;
  }
}
