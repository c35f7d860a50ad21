package dev.s3llm.examples.spark;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Things that are dear to make and that all tasks of an executor share: made when first asked for,
 * kept while idle, closed when another is made in their place or the executor ends. Thread-safe.
 *
 * @param <K> what a thing is made from; equal keys share one
 * @param <V> the thing
 */
final class PerExecutor<K, V extends AutoCloseable> {
  private final Function<K, V> factory;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<K, Shared> byKey = new HashMap<>();
  private boolean ended;

  PerExecutor(Function<K, V> factory) {
    this.factory = factory;
  }

  /** One whose things are closed when the JVM ends. */
  static <K, V extends AutoCloseable> PerExecutor<K, V> untilShutdown(Function<K, V> factory) {
    PerExecutor<K, V> all = new PerExecutor<>(factory);
    Runtime.getRuntime().addShutdownHook(new Thread(all::closeAll, "s3-spark-close"));
    return all;
  }

  /**
   * A share of the thing for a key. Tasks that come while it is made wait for it: two models at a
   * time could exceed the memory. Idle things of other keys are closed before.
   *
   * @throws IllegalStateException if the executor ends
   */
  Lease lease(K key) {
    lock.lock();
    try {
      if (ended) {
        throw new IllegalStateException("the executor ends");
      }
      Shared shared = byKey.get(key);
      if (shared == null) {
        closeIdle();
        shared = new Shared(factory.apply(key));
        byKey.put(key, shared);
      }
      shared.leases++;
      return new Lease(key, shared);
    } finally {
      lock.unlock();
    }
  }

  /** Closes what nobody uses. */
  void closeIdle() {
    lock.lock();
    try {
      Iterator<Shared> all = byKey.values().iterator();
      while (all.hasNext()) {
        Shared shared = all.next();
        if (shared.leases == 0) {
          all.remove();
          shared.close();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Closes everything, used or not, and makes nothing any more.
   *
   * @throws IllegalStateException if one cannot be closed; the others are closed all the same
   */
  void closeAll() {
    lock.lock();
    try {
      ended = true;
      IllegalStateException first = null;
      for (Shared shared : byKey.values()) {
        try {
          shared.close();
        } catch (IllegalStateException e) {
          first = first == null ? e : first;
        }
      }
      byKey.clear();
      if (first != null) {
        throw first;
      }
    } finally {
      lock.unlock();
    }
  }

  private final class Shared {
    private final V thing;
    private int leases;

    Shared(V thing) {
      this.thing = thing;
    }

    void close() {
      try {
        thing.close();
      } catch (Exception e) {
        throw new IllegalStateException(thing + " cannot be closed", e);
      }
    }
  }

  /** A task's share. Close it when the task ends; closes once. */
  final class Lease implements AutoCloseable {
    private final K key;
    private final Shared shared;
    private boolean closed;

    private Lease(K key, Shared shared) {
      this.key = key;
      this.shared = shared;
    }

    V thing() {
      return shared.thing;
    }

    /** Says that the thing is broken: the next lease makes a new one. */
    void discard() {
      lock.lock();
      try {
        byKey.remove(key, shared);
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        if (closed) {
          return;
        }
        closed = true;
        shared.leases--;
        if (shared.leases == 0 && byKey.get(key) != shared && !ended) {
          shared.close();
        }
      } finally {
        lock.unlock();
      }
    }
  }
}
