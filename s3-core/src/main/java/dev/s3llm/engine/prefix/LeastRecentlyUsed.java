package dev.s3llm.engine.prefix;

import org.jspecify.annotations.Nullable;

/**
 * Forgets the leaf first whose use ended first, and of one use the last block first. Changes take
 * O(log n) for n leaves.
 */
public final class LeastRecentlyUsed implements ForgettingOrder {
  private final LeafHeap leaves = new LeafHeap(0, LeafHeap::endedFirst);

  /** Creates the order without leaves. */
  public LeastRecentlyUsed() {}

  @Override
  public PrefixUse began(PrefixChain chain, long nowNanos) {
    return PrefixUse.at(nowNanos);
  }

  @Override
  public PrefixUse ended(PrefixUse use, PrefixChain chain, long nowNanos) {
    return use.endedAt(nowNanos);
  }

  @Override
  public void add(KeptLeaf leaf, long nowNanos) {
    leaves.add(leaf);
  }

  @Override
  public void remove(KeptLeaf leaf) {
    leaves.remove(leaf);
  }

  @Override
  public @Nullable KeptLeaf next(long nowNanos) {
    return leaves.first();
  }

  @Override
  public int size() {
    return leaves.size();
  }
}
