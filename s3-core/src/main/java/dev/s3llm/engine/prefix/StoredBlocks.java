package dev.s3llm.engine.prefix;

import dev.s3llm.execute.StepBatch.BlockCopy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Forgotten blocks whose KV is kept in a part of the swap space in host memory. A block is copied
 * out by the step that is launched next after it was forgotten, before anything can overwrite it,
 * and can be found once that step has succeeded. Of all blocks, the one that was stored or found
 * the longest ago gives its room to the next.
 *
 * <p>A stored block stays when it is copied back, so that it need not be copied out again.
 *
 * <p>Not thread-safe: the engine's loop is the only user.
 */
public final class StoredBlocks {
  private static final float LOAD_FACTOR = 0.75f;

  private final int first;
  private final int[] free;
  private int freeCount;
  private final long longestAgeNanos;
  private final LongSupplier clock;

  /** Blocks that can be found, by their keys; the longest unused first. */
  private final Map<Long, Stored> byKey = new LinkedHashMap<>(16, LOAD_FACTOR, true);

  /** Blocks in the order in which they were stored, and stale entries; unused without an age. */
  private final ArrayDeque<Stored> byAge = new ArrayDeque<>();

  /** Blocks that the next step copies out. */
  private final List<Stored> leaving = new ArrayList<>();

  /** Blocks that the step in flight copies out. */
  private final List<Stored> copying = new ArrayList<>();

  /** Blocks that the step in flight copies back. */
  private final List<Stored> returning = new ArrayList<>();

  /** A block in host memory. */
  public static final class Stored {
    private final PrefixNode node;
    private final int hostBlock;
    private final long storedNanos;
    private int readers;
    private boolean held = true;

    private Stored(PrefixNode node, int hostBlock, long storedNanos) {
      this.node = node;
      this.hostBlock = hostBlock;
      this.storedNanos = storedNanos;
    }

    /** Returns the node that the block had on the device. */
    public PrefixNode node() {
      return node;
    }

    /** Returns the number of the block in the swap space. */
    public int hostBlock() {
      return hostBlock;
    }
  }

  /**
   * Creates an empty store.
   *
   * @param firstBlock number of its first block in the swap space
   * @param blocks number of its blocks, 0 or more; with 0, nothing is stored
   * @param longestAgeNanos how long after its last use a block can be found, in nanoseconds; {@link
   *     Long#MAX_VALUE} for any time
   * @param clock returns the engine's time, in nanoseconds
   */
  public StoredBlocks(int firstBlock, int blocks, long longestAgeNanos, LongSupplier clock) {
    this.first = firstBlock;
    this.free = new int[blocks];
    this.longestAgeNanos = longestAgeNanos;
    this.clock = clock;
    for (int i = 0; i < blocks; i++) {
      free[i] = firstBlock + blocks - 1 - i; // lowest numbers first
    }
    this.freeCount = blocks;
  }

  /** Returns whether a block of the swap space is stored, on its way, or copied back now. */
  public boolean holds(int hostBlock) {
    for (int i = 0; i < freeCount; i++) {
      if (free[i] == hostBlock) {
        return false;
      }
    }
    return hostBlock >= first && hostBlock < first + free.length;
  }

  /** Returns the number of blocks that there is room for. */
  public int capacity() {
    return free.length;
  }

  /** Returns the number of blocks that are stored, or on their way. */
  public int size() {
    return free.length - freeCount;
  }

  /**
   * Stores a block that leaves the device, unless it is stored already, or there is no room, or the
   * request that used it last did not continue what others had used: most of those blocks never
   * return, and copying them out takes time.
   *
   * @param node the block, whose KV stays in its device block until the next step
   */
  void store(PrefixNode node) {
    if (free.length == 0 || !node.use().continues() || byKey.get(node.key()) != null) {
      return;
    }
    int block = takeRoom();
    if (block >= 0) {
      leaving.add(new Stored(node, block, clock.getAsLong()));
    }
  }

  private int takeRoom() {
    if (freeCount > 0) {
      return free[--freeCount];
    }
    for (Iterator<Stored> oldest = byKey.values().iterator(); oldest.hasNext(); ) {
      Stored stored = oldest.next();
      if (stored.readers == 0) {
        oldest.remove();
        stored.held = false;
        return stored.hostBlock;
      }
    }
    return -1;
  }

  /**
   * Returns the stored block with these tokens after a block, or null if there is none.
   *
   * @param before the block before it, or a root
   * @param key the block's key
   * @param tokens token ids by position
   */
  public @Nullable Stored find(PrefixNode before, long key, int[] tokens) {
    if (byKey.isEmpty()) {
      return null;
    }
    Stored stored = byKey.get(key);
    return stored != null && !tooOld(stored) && stored.node.continues(before, tokens)
        ? stored
        : null;
  }

  private boolean tooOld(Stored stored) {
    return clock.getAsLong() - stored.node.keptSinceNanos >= longestAgeNanos;
  }

  /**
   * Keeps the room of a block that the step which is launched now copies back.
   *
   * @throws IllegalStateException if the block was dropped since it was found
   */
  public void returns(Stored stored) {
    if (!stored.held) {
      throw new IllegalStateException("stored block " + stored.hostBlock + " was dropped");
    }
    stored.readers++;
    returning.add(stored);
  }

  /**
   * Returns the copies that the step which is launched now makes, of all blocks that have left the
   * device since the last one.
   */
  public List<BlockCopy> launch() {
    if (leaving.isEmpty()) {
      return List.of();
    }
    List<BlockCopy> copies = new ArrayList<>(leaving.size());
    for (Stored stored : leaving) {
      copies.add(new BlockCopy(BlockCopy.NO_SEQUENCE, stored.node.block(), stored.hostBlock));
    }
    copying.addAll(leaving);
    leaving.clear();
    return copies;
  }

  /**
   * Ends what {@link #launch} and {@link #returns} began.
   *
   * @param succeeded whether the step has made its copies
   */
  public void stepEnded(boolean succeeded) {
    for (Stored stored : copying) {
      boolean findable = succeeded && stored.held && byKey.putIfAbsent(key(stored), stored) == null;
      if (!findable) {
        release(stored);
      } else if (longestAgeNanos < Long.MAX_VALUE) {
        byAge.add(stored);
      }
    }
    copying.clear();
    for (Stored stored : returning) {
      stored.readers--;
      if (!stored.held && stored.readers == 0) {
        free[freeCount++] = stored.hostBlock;
      }
    }
    returning.clear();
  }

  private static long key(Stored stored) {
    return stored.node.key();
  }

  /** Makes the room of a block free that cannot be found, now or when nobody reads it any more. */
  private void release(Stored stored) {
    stored.held = false;
    if (stored.readers == 0) {
      free[freeCount++] = stored.hostBlock;
    }
  }

  /**
   * Drops blocks that are too old.
   *
   * @return whether it has dropped any
   */
  boolean trim() {
    boolean dropped = false;
    Stored oldest;
    while ((oldest = byAge.peek()) != null
        && clock.getAsLong() - oldest.storedNanos >= longestAgeNanos) {
      byAge.poll();
      if (byKey.remove(key(oldest), oldest)) {
        release(oldest);
        dropped = true;
      }
    }
    return dropped;
  }

  /**
   * Makes all blocks of a scope unfindable, those on their way included.
   *
   * @param scope the scope
   */
  public void dropScope(String scope) {
    for (Iterator<Stored> all = byKey.values().iterator(); all.hasNext(); ) {
      Stored stored = all.next();
      if (stored.node.isIn(scope)) {
        all.remove();
        release(stored);
      }
    }
    for (Stored stored : copying) {
      stored.held &= !stored.node.isIn(scope);
    }
    leaving.removeIf(
        stored -> {
          boolean drops = stored.node.isIn(scope);
          if (drops) {
            release(stored);
          }
          return drops;
        });
  }
}
