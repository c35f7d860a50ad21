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
 * Expensive resources that all tasks of an executor share. A resource is made at its first lease
 * and kept while idle. It is closed before another resource is made in its place, or when the
 * executor ends. Thread-safe.
 *
 * <p>No resource is made before all discarded and idle ones are closed, because two models on one
 * device could exceed its memory. Resources of different keys that are in use exist at the same
 * time, because tasks with different devices need them. Closing must be idempotent: a resource that
 * failed to close is closed again before another is made in its place, because it may only have
 * been slow.
 *
 * @param <K> identifies a resource; tasks with equal keys share one
 * @param <V> the resource
 */
final class PerExecutor<K, V extends AutoCloseable> {
  /** Longer than the close of an engine, which may take a minute. */
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Function<K, V> factory;
  private final Duration patience;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition gone = lock.newCondition();
  private final Map<K, Shared> byKey = new HashMap<>();

  /** Resources that get no new leases and are not closed yet. */
  private final Set<Shared> leaving = new LinkedHashSet<>();

  private boolean ended;

  /**
   * Creates an instance without resources.
   *
   * @param factory makes the resource of a key
   * @param patience how long a lease waits until discarded resources are closed
   */
  PerExecutor(Function<K, V> factory, Duration patience) {
    this.factory = factory;
    this.patience = patience;
  }

  /**
   * Creates an instance whose resources are closed when the JVM ends.
   *
   * @param factory makes the resource of a key
   */
  static <K, V extends AutoCloseable> PerExecutor<K, V> untilShutdown(Function<K, V> factory) {
    PerExecutor<K, V> all = new PerExecutor<>(factory, PATIENCE);
    Runtime.getRuntime().addShutdownHook(new Thread(all::closeAll, "s3-spark-close"));
    return all;
  }

  /**
   * Returns a share of the resource for a key. Waits while another task makes the resource, or
   * while a discarded one is in use. Closes idle resources of other keys first.
   *
   * @param key the key
   * @throws IllegalStateException if the executor ends, the thread is interrupted, or a resource
   *     cannot be closed or is not closed in time
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
   * Closes all idle resources.
   *
   * @throws IllegalStateException if one cannot be closed; the others are closed nevertheless
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
   * Closes all resources, also those in use, and makes no further ones.
   *
   * @throws IllegalStateException if one cannot be closed; the others are closed nevertheless
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

  /** Retires resources and returns them for this thread alone to close. */
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

  /** Closes without the lock, because it may take minutes, in which other resources are used. */
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

  /**
   * A share of one task, which closes it at its end. Further calls of {@link #close} do nothing.
   */
  final class Lease implements AutoCloseable {
    private final Shared shared;
    private boolean closed;

    private Lease(Shared shared) {
      this.shared = shared;
      shared.leases++;
    }

    /** Returns the resource. */
    V thing() {
      return shared.thing;
    }

    /**
     * Marks the resource as broken. Its last lease closes it, and the next lease makes a new one.
     */
    void discard() {
      lock.lock();
      try {
        retire(shared);
      } finally {
        lock.unlock();
      }
    }

    /** Ends the share. If a discarded resource cannot be closed, the next lease throws. */
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
