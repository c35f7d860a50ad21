package dev.s3llm.engine.prefix;

import java.util.Arrays;

/**
 * Which blocks were used when, kept or forgotten since: a sample of the blocks of all requests, by
 * their keys. It says of a new request which part of its prompt was used before and how often, and
 * reports to a {@link ReturnCounts} after which time blocks come back and after which they do not.
 *
 * <p>Because it outlives the blocks, what the engine forgets is observed like what it keeps.
 * Otherwise the chance to return after a minute would stay unknown to an engine that forgets after
 * half of that. The blocks are sampled by their keys, so that the same blocks are seen at each use
 * (spatially hashed sampling: Waldspurger et al., "Efficient MRC construction with SHARDS", FAST
 * 2015): all at the start of a chain, and fewer deeper down. The memory is bounded; the observation
 * that is overwritten first is the one that ended first, and counts as not returned until then.
 *
 * <p>Not thread-safe.
 */
final class ReturnHistory {
  /** How many blocks are sampled at least while the depth doubles. */
  private static final int RESOLUTION = 8;

  /** Tokens of which one block is sampled at least. */
  private static final int COARSEST_TOKENS = 512;

  /** Tokens of an observation of weight 1. */
  private static final double UNIT_TOKENS = 512;

  private static final int LEAST_ROOM = 1 << 10;
  private static final long MIX = 0x9E3779B97F4A7C15L;
  private static final int NONE = -1;

  private final ReturnCounts counts;
  private final int mostObservations;

  // the observations, a ring by sequence number modulo the room, in the order of their ends
  private long[] keys;
  private long[] ends;
  private int[] rows;
  private int[] uses;
  private float[] weights;
  private boolean[] pending;
  private long first;
  private long next;

  /** The next observation that has not reached the end of a bin, by bin. */
  private final long[] reached = new long[Ages.BINS];

  /** Places of the latest observations in the ring by key; open addressing. */
  private int[] table;

  /**
   * Creates an empty history.
   *
   * @param counts receives the observations
   * @param mostObservations the most that are held, a power of two of at least 1,024
   */
  ReturnHistory(ReturnCounts counts, int mostObservations) {
    this.counts = counts;
    this.mostObservations = mostObservations;
    keys = new long[LEAST_ROOM];
    ends = new long[LEAST_ROOM];
    rows = new int[LEAST_ROOM];
    uses = new int[LEAST_ROOM];
    weights = new float[LEAST_ROOM];
    pending = new boolean[LEAST_ROOM];
    table = emptyTable(LEAST_ROOM);
  }

  private static int[] emptyTable(int room) {
    int[] empty = new int[2 * room];
    Arrays.fill(empty, NONE);
    return empty;
  }

  /** Observes that a request begins, and returns what is known about it. */
  PrefixUse.Facts began(PrefixChain chain, long nowNanos) {
    advance(nowNanos);
    int[] seen = new int[Traits.SEEN_TIMES.length];
    long gap = 0;
    int known = 0;
    int blocks = Math.min(chain.blocks(), chain.promptTokens() / chain.blockTokens());
    int unknown = blocks;
    for (int i = 0; i < blocks && unknown == blocks; i++) {
      if (sampled(chain, i)) {
        int place = find(chain.key(i));
        if (place == NONE) {
          unknown = i;
        } else {
          known = i + 1;
          gap = Math.max(0, nowNanos - ends[place]);
          count(seen, uses[place], known * chain.blockTokens());
          returned(place, nowNanos);
        }
      }
    }
    extend(seen, known, (known + unknown + 1) / 2, chain.blockTokens());
    return new PrefixUse.Facts(seen, Traits.of(chain, seen, gap));
  }

  private static void count(int[] seen, int times, int tokens) {
    for (int level = 0; level < seen.length && times >= Traits.SEEN_TIMES[level]; level++) {
      seen[level] = tokens;
    }
  }

  /** Adds the blocks between the last known one and half of the way to the first unknown one. */
  private static void extend(int[] seen, int known, int end, int blockTokens) {
    for (int level = 0; level < seen.length && known > 0; level++) {
      if (seen[level] == known * blockTokens) {
        seen[level] = end * blockTokens;
      }
    }
  }

  private void returned(int place, long nowNanos) {
    if (pending[place]) {
      pending[place] = false;
      counts.returned(rows[place], weights[place], Math.max(0, nowNanos - ends[place]));
    }
  }

  /** Observes that a request ends, and returns what is known about it now. */
  PrefixUse.Facts ended(PrefixUse.Facts facts, PrefixChain chain, long nowNanos) {
    advance(nowNanos);
    int traits = Traits.answered(facts.traits(), chain.outputTokens());
    PrefixUse.Facts known = new PrefixUse.Facts(facts.seenTokens(), traits);
    for (int i = 0; i < chain.blocks(); i++) {
      if (sampled(chain, i)) {
        int row = counts.row(Traits.at(known, (i + 1) * chain.blockTokens()));
        double tokens = (double) oneOf(chain, i) * chain.blockTokens();
        add(chain.key(i), row, (float) (tokens / UNIT_TOKENS), nowNanos);
      }
    }
    return known;
  }

  private static boolean sampled(PrefixChain chain, int index) {
    return (((chain.key(index) * MIX) >>> 20) & (oneOf(chain, index) - 1)) == 0;
  }

  /** Returns of how many blocks one is sampled at a depth, a power of two. */
  private static int oneOf(PrefixChain chain, int index) {
    long tokens = Math.min(COARSEST_TOKENS, (long) index * chain.blockTokens() / RESOLUTION);
    return Integer.highestOneBit((int) Math.max(1, tokens / chain.blockTokens()));
  }

  private void add(long key, int row, float weight, long nowNanos) {
    int before = find(key);
    int times = 1;
    if (before != NONE) {
      times = uses[before] + 1;
      pending[before] = false; // used by two at a time: the later end counts
      unlink(key);
    }
    if (next - first == keys.length) {
      makeRoom();
    }
    int place = place(next++);
    keys[place] = key;
    ends[place] = nowNanos;
    rows[place] = row;
    uses[place] = times;
    weights[place] = weight;
    pending[place] = true;
    link(key, place);
  }

  private void makeRoom() {
    if (keys.length < mostObservations) {
      grow();
      return;
    }
    int oldest = place(first);
    if (find(keys[oldest]) == oldest) {
      unlink(keys[oldest]);
    }
    first++;
    for (int bin = 0; bin < Ages.BINS; bin++) {
      reached[bin] = Math.max(reached[bin], first);
    }
  }

  /** Doubles the arrays; the ring is full and still begins at its first place. */
  private void grow() {
    int room = 2 * keys.length;
    keys = Arrays.copyOf(keys, room);
    ends = Arrays.copyOf(ends, room);
    rows = Arrays.copyOf(rows, room);
    uses = Arrays.copyOf(uses, room);
    weights = Arrays.copyOf(weights, room);
    pending = Arrays.copyOf(pending, room);
    int[] old = table;
    table = emptyTable(room);
    for (int place : old) {
      if (place != NONE) {
        link(keys[place], place);
      }
    }
  }

  private int place(long number) {
    return (int) (number & (keys.length - 1));
  }

  /** Reports the observations that have reached the ends of bins without a return. */
  void advance(long nowNanos) {
    for (int bin = 0; bin + 1 < Ages.BINS; bin++) {
      long before = nowNanos - Ages.endNanos(bin);
      while (reached[bin] < next && ends[place(reached[bin])] <= before) {
        int place = place(reached[bin]++);
        if (pending[place]) {
          counts.stayedAway(rows[place], weights[place], bin);
        }
      }
    }
  }

  // ---- the table

  private int slot(long key) {
    return (int) ((key * MIX) >>> 40) & (table.length - 1);
  }

  private int find(long key) {
    int slot = slot(key);
    int place;
    while ((place = table[slot]) != NONE) {
      if (keys[place] == key) {
        return place;
      }
      slot = (slot + 1) & (table.length - 1);
    }
    return NONE;
  }

  private void link(long key, int place) {
    int slot = slot(key);
    while (table[slot] != NONE) {
      slot = (slot + 1) & (table.length - 1);
    }
    table[slot] = place;
  }

  private void unlink(long key) {
    int mask = table.length - 1;
    int hole = slot(key);
    while (keys[table[hole]] != key) {
      hole = (hole + 1) & mask;
    }
    int slot = hole;
    while (true) {
      slot = (slot + 1) & mask;
      int place = table[slot];
      if (place == NONE) {
        break;
      }
      int home = slot(keys[place]);
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        table[hole] = place;
        hole = slot;
      }
    }
    table[hole] = NONE;
  }
}
