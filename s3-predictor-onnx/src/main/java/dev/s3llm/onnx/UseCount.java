package dev.s3llm.onnx;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts the uses of something native, so that closing it waits for them. Thread-safe. */
final class UseCount {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition unused = lock.newCondition();
  private int uses;
  private boolean closed;

  /** Begins a use, after which {@link #end} must follow; false if it is closed. */
  boolean begin() {
    lock.lock();
    try {
      uses += closed ? 0 : 1;
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  void end() {
    lock.lock();
    try {
      uses--;
      if (uses == 0) {
        unused.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Refuses new uses and waits for those under way; false if it was closed before. */
  boolean close() {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      while (uses > 0) {
        unused.awaitUninterruptibly();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }
}
