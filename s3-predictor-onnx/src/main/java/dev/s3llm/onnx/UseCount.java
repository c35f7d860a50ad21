package dev.s3llm.onnx;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the uses of something native and releases it, once, when it is closed and unused. Closing
 * waits for that, except on a thread that is itself within a use (a callback, say): there the end
 * of the last use releases. Thread-safe.
 */
final class UseCount {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition done = lock.newCondition();
  private final List<Thread> users = new ArrayList<>();
  private final Runnable release;
  private boolean closed;
  private boolean released;

  /**
   * Starts counting.
   *
   * @param release called once
   */
  UseCount(Runnable release) {
    this.release = release;
  }

  /** Begins a use, after which {@link #end} must follow on the same thread; false if closed. */
  boolean begin() {
    lock.lock();
    try {
      return !closed && users.add(Thread.currentThread());
    } finally {
      lock.unlock();
    }
  }

  void end() {
    lock.lock();
    try {
      users.remove(Thread.currentThread());
      releaseIfUnused();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses new uses and waits for those under way on other threads. Idempotent. */
  void close() {
    lock.lock();
    try {
      closed = true;
      releaseIfUnused();
      while (!released && !users.contains(Thread.currentThread())) {
        done.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void releaseIfUnused() {
    if (closed && !released && users.isEmpty()) {
      released = true;
      done.signalAll();
      release.run();
    }
  }
}
