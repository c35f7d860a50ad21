package dev.s3llm.examples.spark;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Things that are dear to make and that all tasks of an executor share: made when first asked for,
 * kept while idle, closed when another is made in their place or the executor ends. Thread-safe.
 *
 * <p>Nothing is made before what nobody is to use any more is closed: two models on one device
 * could exceed its memory. Things of different keys that are in use at a time are there side by
 * side, as tasks with different devices need it. Closing must be idempotent: what could not be
 * closed is closed again, in case it only took long, whenever something is to be made in its place.
 *
 * @param <K> what a thing is made from; equal keys share one
 * @param <V> the thing
 */
final class PerExecutor<K, V extends AutoCloseable> {
  /** Tasks see within moments that a thing is broken; to close an engine may take a minute. */
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Function<K, V> factory;
  private final Duration patience;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition gone = lock.newCondition();
  private final Map<K, Shared> byKey = new HashMap<>();

  /** Not for new leases, and not closed yet. */
  private final Set<Shared> leaving = new LinkedHashSet<>();

  private boolean ended;

  /**
   * One without things.
   *
   * @param patience how long a lease waits until things that are in the way are closed
   */
  PerExecutor(Function<K, V> factory, Duration patience) {
    this.factory = factory;
    this.patience = patience;
  }

  /** One whose things are closed when the JVM ends. */
  static <K, V extends AutoCloseable> PerExecutor<K, V> untilShutdown(Function<K, V> factory) {
    PerExecutor<K, V> all = new PerExecutor<>(factory, PATIENCE);
    Runtime.getRuntime().addShutdownHook(new Thread(all::closeAll, "s3-spark-close"));
    return all;
  }

  /**
   * A share of the thing for a key. Tasks that come while it is made wait for it, as they do for
   * the end of a discarded one. Idle things of other keys are closed before.
   *
   * @throws IllegalStateException if the executor ends, the thread is interrupted, or what must go
   *     before cannot be closed or is not within the time
   */
  Lease lease(K key) {
    long start = System.nanoTime();
    closeAgain(key);
    while (true) {
      List<Shared> idle;
      lock.lock();
      try {
        awaitRoom(key, start);
        idle = byKey.containsKey(key) ? List.of() : take(shared -> shared.leases == 0);
        if (idle.isEmpty()) {
          return new Lease(byKey.computeIfAbsent(key, this::make));
        }
      } finally {
        lock.unlock();
      }
      close(idle);
    }
  }

  private void closeAgain(K key) {
    List<Shared> failed;
    lock.lock();
    try {
      failed = byKey.containsKey(key) ? List.of() : take(shared -> shared.failure != null);
    } finally {
      lock.unlock();
    }
    close(failed);
  }

  private void awaitRoom(K key, long start) {
    while (!ended && !byKey.containsKey(key) && !leaving.isEmpty()) {
      leaving.forEach(Shared::requireClosable);
      try {
        long left = start + patience.toNanos() - System.nanoTime();
        if (gone.awaitNanos(left) <= 0) {
          throw new IllegalStateException("not closed within %s: %s".formatted(patience, leaving));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for the end of " + leaving, e);
      }
    }
    if (ended) {
      throw new IllegalStateException("the executor ends");
    }
  }

  private Shared make(K key) {
    return new Shared(key, factory.apply(key));
  }

  /**
   * Closes what nobody uses.
   *
   * @throws IllegalStateException if one cannot be closed; the others are closed all the same
   */
  void closeIdle() {
    List<Shared> idle;
    lock.lock();
    try {
      idle = take(shared -> shared.leases == 0);
    } finally {
      lock.unlock();
    }
    close(idle);
    idle.forEach(Shared::requireClosable);
  }

  /**
   * Closes everything, used or not, and makes nothing any more.
   *
   * @throws IllegalStateException if one cannot be closed; the others are closed all the same
   */
  void closeAll() {
    List<Shared> all;
    lock.lock();
    try {
      ended = true;
      all = take(shared -> true);
      gone.signalAll();
    } finally {
      lock.unlock();
    }
    close(all);
    all.forEach(Shared::requireClosable);
  }

  /** Takes things out of use, for this thread to close: nobody else gets them too. */
  private List<Shared> take(Predicate<Shared> which) {
    List<Shared> taken =
        Stream.concat(byKey.values().stream(), leaving.stream())
            .filter(shared -> !shared.closing && which.test(shared))
            .toList();
    for (Shared shared : taken) {
      retire(shared);
      shared.closing = true;
      shared.failure = null;
    }
    return taken;
  }

  private void retire(Shared shared) {
    if (byKey.remove(shared.key, shared)) {
      leaving.add(shared);
    }
  }

  /** Not under the lock: it may take minutes, and other things are in use meanwhile. */
  private void close(List<Shared> taken) {
    for (Shared shared : taken) {
      Throwable failure = shared.tryClose();
      lock.lock();
      try {
        shared.failure = failure;
        shared.closing = false;
        if (failure == null) {
          leaving.remove(shared);
        }
        gone.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private final class Shared {
    private final K key;
    private final V thing;
    private int leases;
    private boolean closing;
    private @Nullable Throwable failure;

    Shared(K key, V thing) {
      this.key = key;
      this.thing = thing;
    }

    @Nullable Throwable tryClose() {
      try {
        thing.close();
        return null;
      } catch (Exception | Error e) {
        return e;
      }
    }

    void requireClosable() {
      if (failure != null) {
        throw new IllegalStateException(
            "cannot be closed, so nothing is made in its place: " + key, failure);
      }
    }

    @Override
    public String toString() {
      return key.toString();
    }
  }

  /** A task's share. Close it when the task ends; closes once. */
  final class Lease implements AutoCloseable {
    private final Shared shared;
    private boolean closed;

    private Lease(Shared shared) {
      this.shared = shared;
      shared.leases++;
    }

    V thing() {
      return shared.thing;
    }

    /**
     * Says that the thing is broken: its last user closes it, and then the next makes a new one.
     */
    void discard() {
      lock.lock();
      try {
        retire(shared);
      } finally {
        lock.unlock();
      }
    }

    /** Does not say whether a discarded thing could be closed: the next lease does. */
    @Override
    public void close() {
      List<Shared> last;
      lock.lock();
      try {
        if (closed) {
          return;
        }
        closed = true;
        shared.leases--;
        last = take(any -> any == shared && any.leases == 0 && leaving.contains(any));
      } finally {
        lock.unlock();
      }
      PerExecutor.this.close(last);
    }
  }
}
