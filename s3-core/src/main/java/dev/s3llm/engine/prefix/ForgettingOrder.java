package dev.s3llm.engine.prefix;

import org.jspecify.annotations.Nullable;

/**
 * Decides which kept leaf is forgotten next, and observes which prefixes come back.
 *
 * <p>The ledger calls {@link #began} when a request is admitted for the first time and its chain is
 * searched, and {@link #ended} when it releases its blocks for the last time. Blocks that this
 * leaves without an owner have the returned use; those that are leaves are {@linkplain #add added}.
 * Forgetting the last leaf of a chain makes the block before it a leaf, which is added in turn.
 *
 * <p>Confined to the thread of the engine's loop. Equal calls give equal decisions.
 */
public interface ForgettingOrder {

  /**
   * Observes that a request begins with a chain.
   *
   * @param chain the full blocks of its prompt
   * @param nowNanos the time in nanoseconds
   * @return what is known about the request; its end is {@code nowNanos}
   */
  PrefixUse began(PrefixChain chain, long nowNanos);

  /**
   * Observes that a request no longer uses its chain.
   *
   * @param use what {@link #began} returned for it
   * @param chain the full blocks of its prompt and answer
   * @param nowNanos the time in nanoseconds
   * @return the use with its end, for all blocks that the request was the last to own
   */
  PrefixUse ended(PrefixUse use, PrefixChain chain, long nowNanos);

  /**
   * Adds a leaf that may be forgotten.
   *
   * @param leaf a leaf that is not in the order
   * @param nowNanos the time in nanoseconds
   */
  void add(KeptLeaf leaf, long nowNanos);

  /**
   * Removes a leaf: it was forgotten or dropped, has an owner again, or is no longer a leaf.
   *
   * @param leaf a leaf in the order
   */
  void remove(KeptLeaf leaf);

  /**
   * Returns the leaf to forget now, which stays in the order; null if the order is empty.
   *
   * @param nowNanos the time in nanoseconds
   */
  @Nullable KeptLeaf next(long nowNanos);

  /** Returns the number of leaves in the order. */
  int size();
}
