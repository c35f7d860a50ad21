package dev.s3llm.engine.prefix;

/**
 * What is known about the request that used a block last. Each kept block has the use of its last
 * owner. A {@link ForgettingOrder} creates it. Immutable.
 */
public final class PrefixUse {
  private static final Facts UNKNOWN = new Facts(new int[Traits.SEEN_TIMES.length], 0);

  private final long endNanos;
  private final Facts facts;

  PrefixUse(long endNanos, Facts facts) {
    this.endNanos = endNanos;
    this.facts = facts;
  }

  /**
   * What an order knows about a request.
   *
   * @param seenTokens how many tokens of the prompt were used at least so many times before, for
   *     each of {@link Traits#SEEN_TIMES}
   * @param traits the packed {@link Traits} of the request
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  record Facts(int[] seenTokens, int traits) {}

  /**
   * Returns a use of which only the end is known.
   *
   * @param endNanos when the request ended its use, in nanoseconds
   */
  public static PrefixUse at(long endNanos) {
    return new PrefixUse(endNanos, UNKNOWN);
  }

  /**
   * Returns the same use with another end.
   *
   * @param nanos when the request ended its use, in nanoseconds
   */
  public PrefixUse endedAt(long nanos) {
    return new PrefixUse(nanos, facts);
  }

  /** Returns when the request ended its use, in nanoseconds; while it lasts, when it began. */
  public long endNanos() {
    return endNanos;
  }

  /** Returns the tokens of the prompt that earlier requests used, kept or not; 0 or more. */
  public int seenTokens() {
    return facts.seenTokens()[0];
  }

  /**
   * Returns whether earlier requests used tokens of the prompt behind those that very many requests
   * use, such as a system prompt: the request continues a conversation, or repeats one.
   */
  boolean continues() {
    return facts.seenTokens()[0] > facts.seenTokens()[Traits.HOT - 1];
  }

  Facts facts() {
    return facts;
  }
}
