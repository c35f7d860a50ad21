package dev.s3llm.engine.loop;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Keeps a clock from running backwards: after a jump back it goes on from where it was, so that
 * deadlines come when they would have come. Thread-safe.
 */
public final class SteadyClock implements LongSupplier {
  private final LongSupplier clock;
  private final ReentrantLock lock = new ReentrantLock();
  private long lastNanos;
  private long lostNanos;

  public SteadyClock(LongSupplier clock) {
    this.clock = clock;
    this.lastNanos = clock.getAsLong();
  }

  @Override
  public long getAsLong() {
    lock.lock();
    try {
      long read = clock.getAsLong();
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
