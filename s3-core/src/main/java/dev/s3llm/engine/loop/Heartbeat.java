package dev.s3llm.engine.loop;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counters by which a watchdog on another thread sees the progress of the loop. Only the loop
 * writes; any thread may read. The counters are not consistent with each other.
 */
public final class Heartbeat {
  private final AtomicLong beats = new AtomicLong();
  private final AtomicLong launched = new AtomicLong();
  private final AtomicLong ended = new AtomicLong();
  private volatile boolean awaitsMasks;

  void passBegins() {
    beats.incrementAndGet();
  }

  void passEnds() {
    beats.incrementAndGet();
  }

  void stepLaunched() {
    launched.incrementAndGet();
  }

  void stepEnded() {
    ended.incrementAndGet();
  }

  /** Records whether no step can be launched before a mask of a running sequence is there. */
  void awaitsMasks(boolean awaits) {
    awaitsMasks = awaits;
  }

  /**
   * Returns whether no step can be launched before a mask of a running sequence is there: the
   * engine is idle then, and its deadlines work.
   */
  public boolean awaitsMasks() {
    return awaitsMasks;
  }

  /** Returns the number of passes begun plus the number of passes ended. */
  public long beats() {
    return beats.get();
  }

  /** Returns whether a pass is under way. */
  public boolean inPass() {
    return beats.get() % 2 == 1;
  }

  /** Returns the number of steps launched. */
  public long launched() {
    return launched.get();
  }

  /** Returns whether a step is in flight. */
  public boolean stepInFlight() {
    return ended.get() < launched.get();
  }
}
