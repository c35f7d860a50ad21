package dev.s3llm.engine.prefix;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A binary heap of leaves. The {@linkplain KeptLeaf#mark mark} of a leaf is its place in the heap
 * and the number of the heap, so that a leaf is removed in O(log n) without a search.
 */
final class LeafHeap {
  private static final int LEAST_ROOM = 16;

  private final int number;
  private final Before order;
  private KeptLeaf[] heap = new KeptLeaf[0];
  private int size;

  /** The order of a heap. Total, and constant for the leaves in the heap. */
  @FunctionalInterface
  interface Before {
    /** Returns whether a leaf is forgotten before another. */
    boolean test(KeptLeaf one, KeptLeaf other);
  }

  /**
   * Creates an empty heap.
   *
   * @param number number of the heap among those of its user, 0 or more
   * @param order which leaf is first
   */
  LeafHeap(int number, Before order) {
    this.number = number;
    this.order = order;
  }

  /** Returns whether a leaf's use ended before another's, or it is the deeper of the same use. */
  static boolean endedFirst(KeptLeaf one, KeptLeaf other) {
    long a = one.use().endNanos();
    long b = other.use().endNanos();
    if (a != b) {
      return a < b;
    }
    return one.depthTokens() == other.depthTokens()
        ? one.key() < other.key()
        : one.depthTokens() > other.depthTokens();
  }

  /** Returns the number of the heap that has the leaf. */
  static int numberOf(KeptLeaf leaf) {
    return (int) (leaf.mark() >>> 32);
  }

  int size() {
    return size;
  }

  /** Returns the first leaf; null if there is none. */
  @Nullable KeptLeaf first() {
    return size == 0 ? null : heap[0];
  }

  void add(KeptLeaf leaf) {
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, Math.max(LEAST_ROOM, 2 * size));
    }
    rise(leaf, size++);
  }

  /**
   * Removes a leaf.
   *
   * @throws IllegalArgumentException if the heap does not have it
   */
  void remove(KeptLeaf leaf) {
    int place = (int) leaf.mark();
    if (numberOf(leaf) != number || place < 0 || place >= size || heap[place] != leaf) {
      throw new IllegalArgumentException("leaf " + leaf.key() + " is not in the order");
    }
    KeptLeaf last = heap[--size];
    release(size);
    if (last != leaf) {
      sink(last, place);
      if (heap[place] == last) {
        rise(last, place);
      }
    }
  }

  @SuppressWarnings("NullAway") // places from size on are never read
  private void release(int place) {
    heap[place] = null;
  }

  private void rise(KeptLeaf leaf, int from) {
    int place = from;
    while (place > 0) {
      int parent = (place - 1) >>> 1;
      if (!order.test(leaf, heap[parent])) {
        break;
      }
      put(heap[parent], place);
      place = parent;
    }
    put(leaf, place);
  }

  private void sink(KeptLeaf leaf, int from) {
    int place = from;
    int child;
    while ((child = 2 * place + 1) < size) {
      if (child + 1 < size && order.test(heap[child + 1], heap[child])) {
        child++;
      }
      if (!order.test(heap[child], leaf)) {
        break;
      }
      put(heap[child], place);
      place = child;
    }
    put(leaf, place);
  }

  private void put(KeptLeaf leaf, int place) {
    heap[place] = leaf;
    leaf.mark(((long) number << 32) | place);
  }
}
