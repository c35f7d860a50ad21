package dev.s3llm.engine.prefix;

import java.util.Arrays;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Forgets the leaf first that is used again last, or never (Belady 1966). Only a simulation knows
 * the future: the limit of what any order saves, nearly, as the requests do not begin in exactly
 * the order of their arrival.
 */
public final class Clairvoyant implements ForgettingOrder {
  private static final long NEVER = Long.MAX_VALUE;

  private final LeafHeap leaves = new LeafHeap(0, this::usedLater);
  private final Future future;

  /** The next use of each leaf in the heap, as it was when the leaf was added. */
  private final IdentityHashMap<KeptLeaf, Long> nextUses = new IdentityHashMap<>();

  /**
   * The coming uses of blocks. Not thread-safe.
   *
   * <p>Keys are in a table with open addressing; the uses of each are a chain, the next one first.
   */
  public static final class Future {
    private static final int NONE = -1;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private long[] keys = new long[1 << 12];
    private int[] heads = new int[1 << 12];
    private long[] times = new long[1 << 12];
    private int[] after = new int[1 << 12];
    private int uses;
    private int size;

    /** Creates a future without uses. */
    public Future() {
      Arrays.fill(heads, NONE);
    }

    /**
     * Adds a use before all that were added.
     *
     * @param key key of the block
     * @param nanos the time of the use, in nanoseconds
     */
    public void addFirst(long key, long nanos) {
      if (uses == times.length) {
        times = Arrays.copyOf(times, 2 * uses);
        after = Arrays.copyOf(after, 2 * uses);
      }
      int slot = slot(key);
      times[uses] = nanos;
      after[uses] = heads[slot];
      boolean known = keys[slot] == key && heads[slot] != NONE;
      keys[slot] = key;
      heads[slot] = uses++;
      if (!known && 2 * ++size > keys.length) {
        grow();
      }
    }

    private void grow() {
      long[] oldKeys = keys;
      int[] oldHeads = heads;
      keys = new long[2 * oldKeys.length];
      heads = new int[2 * oldKeys.length];
      Arrays.fill(heads, NONE);
      for (int i = 0; i < oldKeys.length; i++) {
        if (oldHeads[i] != NONE) {
          int slot = slot(oldKeys[i]);
          keys[slot] = oldKeys[i];
          heads[slot] = oldHeads[i];
        }
      }
    }

    private int slot(long key) {
      int slot = (int) ((key * MIX) >>> 32) & (keys.length - 1);
      while (heads[slot] != NONE && keys[slot] != key) {
        slot = (slot + 1) & (keys.length - 1);
      }
      return slot;
    }

    /** Removes the next use of a block; the last one stays, as past. */
    void happened(long key) {
      int slot = slot(key);
      int use = heads[slot];
      if (use != NONE && after[use] != NONE) {
        heads[slot] = after[use];
      } else if (use != NONE) {
        times[use] = NEVER;
      }
    }

    /** Returns the time of the next use of a block; {@link Long#MAX_VALUE} for never. */
    long next(long key) {
      int use = heads[slot(key)];
      return use == NONE ? NEVER : times[use];
    }
  }

  /**
   * Creates the order without leaves.
   *
   * @param future the uses of all requests; it is consumed
   */
  public Clairvoyant(Future future) {
    this.future = future;
  }

  private boolean usedLater(KeptLeaf one, KeptLeaf other) {
    long a = nextUses.getOrDefault(one, NEVER);
    long b = nextUses.getOrDefault(other, NEVER);
    return a == b ? LeafHeap.endedFirst(one, other) : a > b;
  }

  @Override
  public PrefixUse began(PrefixChain chain, long nowNanos) {
    for (int i = 0; i < chain.blocks(); i++) {
      future.happened(chain.key(i));
    }
    return PrefixUse.at(nowNanos);
  }

  @Override
  public PrefixUse ended(PrefixUse use, PrefixChain chain, long nowNanos) {
    return use.endedAt(nowNanos);
  }

  @Override
  public void add(KeptLeaf leaf, long nowNanos) {
    nextUses.put(leaf, future.next(leaf.key()));
    leaves.add(leaf);
  }

  @Override
  public void remove(KeptLeaf leaf) {
    leaves.remove(leaf);
    nextUses.remove(leaf);
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
