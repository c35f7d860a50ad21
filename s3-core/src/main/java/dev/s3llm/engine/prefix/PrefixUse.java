package dev.s3llm.engine.prefix;

/**
 * What is known about the request that used a block last. Each kept block has that of its last
 * owner. Immutable.
 *
 * @param endNanos when the request ended its use, in nanoseconds; while it lasts, when it began
 * @param turn 0 if nothing of the prompt was known; else one more than the turn of the request that
 *     computed the deepest known block
 * @param promptTokens length of the prompt in tokens, at least 1
 * @param reusedTokens tokens of the prompt that were used before, 0 or more, kept or not
 * @param gapNanos time from the last use of the deepest known block to this use, in nanoseconds; 0
 *     if {@code turn} is 0
 * @param tenant number of the tenant, 0 or more
 * @param expectedFollowUpNanos the caller's estimate of the time until the next request with this
 *     beginning, in nanoseconds after the end; 0 if there is none
 * @param sessionEnds whether the caller announced that no further request follows
 */
public record PrefixUse(
    long endNanos,
    int turn,
    int promptTokens,
    int reusedTokens,
    long gapNanos,
    int tenant,
    long expectedFollowUpNanos,
    boolean sessionEnds) {

  /**
   * Returns the same use with another end.
   *
   * @param nanos when the request ended its use, in nanoseconds
   */
  public PrefixUse endedAt(long nanos) {
    return new PrefixUse(
        nanos,
        turn,
        promptTokens,
        reusedTokens,
        gapNanos,
        tenant,
        expectedFollowUpNanos,
        sessionEnds);
  }
}
