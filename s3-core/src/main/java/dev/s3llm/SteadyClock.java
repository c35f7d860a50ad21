package dev.s3llm;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps a clock from running backwards: after a jump back it goes on from where it was, so that
 * deadlines come when they would have come. Thread-safe.
 */
final class SteadyClock implements NanoClock {
  private final NanoClock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private long lastNanos;
  private long lostNanos;

  SteadyClock(NanoClock clock) {
    this.clock = clock;
    this.lastNanos = clock.nanos();
  }

  @Override
  public long nanos() {
    lock.lock();
    try {
      long read = clock.nanos();
      if (read < lastNanos) {
        lostNanos += lastNanos - read;
      }
      lastNanos = read;
      return read + lostNanos;
    } finally {
      lock.unlock();
    }
  }
}
