package dev.s3llm.engine.prefix;

import java.util.Comparator;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Forgets the leaf first whose use ended first, and of one use the last block first. */
public final class LeastRecentlyUsed implements ForgettingOrder {
  private final TreeSet<KeptLeaf> leaves =
      new TreeSet<>(
          Comparator.comparingLong((KeptLeaf leaf) -> leaf.use().endNanos())
              .thenComparing(Comparator.comparingInt(KeptLeaf::depthTokens).reversed())
              .thenComparingLong(KeptLeaf::key));

  /** Creates the order without leaves. */
  public LeastRecentlyUsed() {}

  @Override
  public PrefixUse began(PrefixChain chain, long nowNanos) {
    return new PrefixUse(
        nowNanos,
        0,
        chain.promptTokens(),
        0,
        0,
        chain.tenant(),
        chain.expectedFollowUpNanos(),
        chain.sessionEnds());
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
    return leaves.isEmpty() ? null : leaves.first();
  }

  @Override
  public int size() {
    return leaves.size();
  }
}
