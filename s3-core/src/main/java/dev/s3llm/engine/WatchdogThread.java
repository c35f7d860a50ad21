package dev.s3llm.engine;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives a watchdog a thread, on which it checks at its interval until it is stopped. */
public final class WatchdogThread {
  private static final Logger log = LoggerFactory.getLogger(WatchdogThread.class);

  private final Watchdog watchdog;
  private final LongSupplier clock;
  private final CountDownLatch stopped = new CountDownLatch(1);

  private WatchdogThread(Watchdog watchdog, LongSupplier clock) {
    this.watchdog = watchdog;
    this.clock = clock;
  }

  /** Starts the thread. */
  public static WatchdogThread start(Watchdog watchdog, LongSupplier clock, ThreadFactory threads) {
    WatchdogThread started = new WatchdogThread(watchdog, clock);
    threads.newThread(started::run).start();
    return started;
  }

  /** Lets the thread end; does not wait for it. */
  public void stop() {
    stopped.countDown();
  }

  private void run() {
    while (!awaitStop()) {
      try {
        watchdog.check(clock.getAsLong());
      } catch (RuntimeException | Error e) { // a watchdog that dies would be missed by nobody
        log.warn("a check of the engine failed", e);
      }
    }
  }

  private boolean awaitStop() {
    try {
      return stopped.await(watchdog.intervalNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      return false; // only stop() ends it
    }
  }
}
