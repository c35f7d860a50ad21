package dev.s3llm.onnx;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the uses of a native resource, and releases the resource once, when it is closed and
 * unused. Closing waits for that, except on a thread that is within a use itself (in a callback,
 * for example): then the end of the last use releases it. Thread-safe.
 */
final class UseCount {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition done = lock.newCondition();
  private final List<Thread> users = new ArrayList<>();
  private final Runnable release;
  private boolean closed;
  private boolean released;

  /**
   * Creates a count without uses.
   *
   * @param release releases the resource; called once
   */
  UseCount(Runnable release) {
    this.release = release;
  }

  /** Begins a use; {@link #end} must follow on the same thread. Returns false if closed. */
  boolean begin() {
    lock.lock();
    try {
      return !closed && users.add(Thread.currentThread());
    } finally {
      lock.unlock();
    }
  }

  /** Ends a use of this thread. */
  void end() {
    lock.lock();
    try {
      users.remove(Thread.currentThread());
      releaseIfUnused();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses new uses and waits for uses in progress on other threads. Idempotent. */
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
