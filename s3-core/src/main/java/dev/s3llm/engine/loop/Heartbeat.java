package dev.s3llm.engine.loop;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the loop shows of its progress to a watchdog on another thread. Only the loop writes; each
 * number is published by itself.
 */
public final class Heartbeat {
  private final AtomicLong beats = new AtomicLong();
  private final AtomicLong launched = new AtomicLong();
  private final AtomicLong over = new AtomicLong();

  void passBegins() {
    beats.incrementAndGet();
  }

  void passEnds() {
    beats.incrementAndGet();
  }

  void stepLaunched() {
    launched.incrementAndGet();
  }

  void stepOver() {
    over.incrementAndGet();
  }

  /** Passes begun and passes ended; changes with every pass. */
  public long beats() {
    return beats.get();
  }

  /** Whether a pass is under way. */
  public boolean inPass() {
    return beats.get() % 2 == 1;
  }

  /** Steps launched so far. */
  public long launched() {
    return launched.get();
  }

  /** Whether a step is in flight. */
  public boolean stepInFlight() {
    return over.get() < launched.get();
  }
}
