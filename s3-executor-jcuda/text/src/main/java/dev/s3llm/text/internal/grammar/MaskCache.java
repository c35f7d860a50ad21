package dev.s3llm.text.internal.grammar;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The masks that were used last, by the pieces that they are made of. Thread-safe. */
final class MaskCache {
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<List<Piece>, long[]> masks;

  MaskCache(int most) {
    masks =
        new LinkedHashMap<>(64, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<List<Piece>, long[]> eldest) {
            return size() > most;
          }
        };
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
      return known == null ? mask : known;
    } finally {
      lock.unlock();
    }
  }
}
