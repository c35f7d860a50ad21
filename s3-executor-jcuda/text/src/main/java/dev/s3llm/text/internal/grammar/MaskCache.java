package dev.s3llm.text.internal.grammar;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The masks that were used last, by the pieces that they are made of. Thread-safe. */
final class MaskCache {
  /** What an entry takes beside its mask: the list of pieces, the map's entry, the headers. */
  private static final long ENTRY_BYTES = 160;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<List<Piece>, long[]> masks = new LinkedHashMap<>(64, 0.75f, true);
  private final long mostBytes;
  private long bytes;

  /**
   * Creates an empty cache.
   *
   * @param mostBytes the largest number of bytes; one mask is always kept
   */
  MaskCache(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  long @Nullable [] get(List<Piece> pieces) {
    lock.lock();
    try {
      return masks.get(pieces);
    } finally {
      lock.unlock();
    }
  }

  /** Returns the mask that is kept from now on: that of another thread, if it was first. */
  long[] put(List<Piece> pieces, long[] mask) {
    lock.lock();
    try {
      long[] known = masks.putIfAbsent(pieces, mask);
      if (known != null) {
        return known;
      }
      bytes += bytesOf(mask);
      Iterator<long[]> oldest = masks.values().iterator();
      while (bytes > mostBytes && masks.size() > 1) {
        bytes -= bytesOf(oldest.next());
        oldest.remove();
      }
      return mask;
    } finally {
      lock.unlock();
    }
  }

  private static long bytesOf(long... mask) {
    return ENTRY_BYTES + Long.BYTES * (long) mask.length;
  }

  /** Removes all masks. */
  void clear() {
    lock.lock();
    try {
      masks.clear();
      bytes = 0;
    } finally {
      lock.unlock();
    }
  }

  /** Returns the bytes that the masks take. */
  long bytes() {
    lock.lock();
    try {
      return bytes;
    } finally {
      lock.unlock();
    }
  }
}
