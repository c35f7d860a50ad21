package dev.s3llm.engine.loop;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * A clock that never runs backwards: after a jump back of its source, it continues from its latest
 * value, so that deadlines keep their distance. Thread-safe.
 */
public final class SteadyClock implements LongSupplier {
  private final LongSupplier clock;
  private final ReentrantLock lock = new ReentrantLock();
  private long lastNanos;
  private long lostNanos;

  /**
   * Creates the clock.
   *
   * @param clock the source, in nanoseconds; thread-safe
   */
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
