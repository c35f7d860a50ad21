package dev.s3llm.engine.plan;

import dev.s3llm.engine.prefix.LeastRecentlyUsed;
import dev.s3llm.engine.prefix.PrefixCache;
import dev.s3llm.engine.prefix.StoredBlocks;
import dev.s3llm.engine.sequence.KvBlockPool;

/** Shared prefixes for tests of plans. */
final class Prefixes {
  private Prefixes() {}

  /** Returns shared prefixes of which no sequence has any. */
  static SharedPrefixes none() {
    LeastRecentlyUsed order = new LeastRecentlyUsed();
    StoredBlocks stored = new StoredBlocks(0, 0, Long.MAX_VALUE, () -> 0);
    PrefixCache cache = new PrefixCache(order, 0, 1, 0, Long.MAX_VALUE, () -> 0, stored);
    return new SharedPrefixes(new KvBlockPool(0), cache, order, stored);
  }
}
