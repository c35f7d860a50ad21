package dev.s3llm.engine.monitor;

import dev.s3llm.support.Guard;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A thread that runs a check at intervals until it is stopped. */
public final class WatchdogThread {
  private static final Logger log = LoggerFactory.getLogger(WatchdogThread.class);

  private final Runnable check;
  private final long intervalNanos;
  private final CountDownLatch stopped = new CountDownLatch(1);

  private WatchdogThread(Runnable check, long intervalNanos) {
    this.check = check;
    this.intervalNanos = intervalNanos;
  }

  /**
   * Starts the thread.
   *
   * @param check the check; if it throws, the thread logs that and continues
   * @param intervalNanos time between two checks, positive
   * @param threads makes the thread
   */
  public static WatchdogThread start(Runnable check, long intervalNanos, ThreadFactory threads) {
    WatchdogThread started = new WatchdogThread(check, intervalNanos);
    threads.newThread(started::run).start();
    return started;
  }

  /** Makes the thread end; does not wait for it. */
  public void stop() {
    stopped.countDown();
  }

  private void run() {
    while (!awaitStop()) {
      Throwable thrown = Guard.run(check::run);
      if (thrown != null) { // nothing would replace this thread, so it must not end
        log.warn("a check of the engine failed", thrown);
      }
    }
  }

  private boolean awaitStop() {
    try {
      return stopped.await(intervalNanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      return false; // only stop() ends it
    }
  }
}
