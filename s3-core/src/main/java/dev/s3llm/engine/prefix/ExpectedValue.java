package dev.s3llm.engine.prefix;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Forgets the block first that is worth least by {@link HoldingIndex}: the chance of its return
 * over the room that it takes until then. The chance is observed by {@link ReturnHistory} and
 * computed by {@link ReturnModel}, every few requests. Until enough has returned, the least
 * recently used block is forgotten first.
 *
 * <p>The leaves are in heaps by class of traits and bin of age, whose leaves have the same index;
 * the one that ended first is forgotten first. A leaf changes its heap when its age leaves the bin.
 * So a decision compares the heaps that have leaves, whatever the number of leaves, and a change
 * takes O(log n). Nothing is allocated, unless a heap grows.
 */
public final class ExpectedValue implements ForgettingOrder {
  /** Returns, in units of 512 tokens, from which on the model decides. */
  private static final double ENOUGH_RETURNS = 50;

  /** Requests after which the model is computed again. */
  private static final int REFRESH_EVERY = 50;

  private static final int MOST_OBSERVATIONS = 1 << 18;

  private final ReturnCounts counts = new ReturnCounts();
  private final ReturnModel model = new ReturnModel(counts);
  private final ReturnHistory history = new ReturnHistory(counts, MOST_OBSERVATIONS);
  private final @Nullable LeafHeap[] heaps = new LeafHeap[ReturnModel.CLASSES * Ages.BINS];
  private final BitSet filled = new BitSet(heaps.length);
  private int size;
  private int endedSinceRefresh;

  /** Creates the order without leaves and observations. */
  public ExpectedValue() {}

  @Override
  public PrefixUse began(PrefixChain chain, long nowNanos) {
    return new PrefixUse(nowNanos, history.began(chain, nowNanos));
  }

  @Override
  public PrefixUse ended(PrefixUse use, PrefixChain chain, long nowNanos) {
    PrefixUse ended = new PrefixUse(nowNanos, history.ended(use.facts(), chain, nowNanos));
    if (++endedSinceRefresh == REFRESH_EVERY) {
      endedSinceRefresh = 0;
      model.refresh();
    }
    return ended;
  }

  @Override
  public void add(KeptLeaf leaf, long nowNanos) {
    int row = counts.row(Traits.at(leaf.use().facts(), leaf.depthTokens()));
    int bin = Ages.bin(nowNanos - leaf.use().endNanos());
    add(leaf, model.classOf(row) * Ages.BINS + bin);
    size++;
  }

  private void add(KeptLeaf leaf, int number) {
    heap(number).add(leaf);
    filled.set(number);
  }

  @Override
  public void remove(KeptLeaf leaf) {
    remove(leaf, LeafHeap.numberOf(leaf));
    size--;
  }

  private void remove(KeptLeaf leaf, int number) {
    LeafHeap heap = heap(number);
    heap.remove(leaf);
    if (heap.size() == 0) {
      filled.clear(number);
    }
  }

  private LeafHeap heap(int number) {
    LeafHeap heap = heaps[number];
    if (heap == null) {
      heap = new LeafHeap(number, LeafHeap::endedFirst);
      heaps[number] = heap;
    }
    return heap;
  }

  @Override
  public @Nullable KeptLeaf next(long nowNanos) {
    boolean known = counts.returnsSeen() >= ENOUGH_RETURNS;
    KeptLeaf best = null;
    double least = Double.POSITIVE_INFINITY;
    for (int i = filled.nextSetBit(0); i >= 0; i = filled.nextSetBit(i + 1)) {
      KeptLeaf first = current(i, nowNanos);
      if (first != null) {
        double value = known ? model.index(i / Ages.BINS, i % Ages.BINS) : 0;
        if (best == null || value < least || (value == least && LeafHeap.endedFirst(first, best))) {
          best = first;
          least = value;
        }
      }
    }
    return best;
  }

  /** Returns the first leaf of a heap, after leaves that are too old have changed their heap. */
  private @Nullable KeptLeaf current(int number, long nowNanos) {
    LeafHeap heap = heap(number);
    long tooOld = Ages.endNanos(number % Ages.BINS);
    KeptLeaf first;
    while ((first = heap.first()) != null && nowNanos - first.use().endNanos() >= tooOld) {
      remove(first, number);
      add(first, number + 1);
    }
    return first;
  }

  @Override
  public int size() {
    return size;
  }
}
