package dev.s3llm;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes parts one after another, on a thread that may hang without whoever closes the engine; what
 * one throws keeps no other open.
 */
final class PartsCloser {
  private static final Logger log = LoggerFactory.getLogger(PartsCloser.class);

  private final Duration timeout;
  private final ThreadFactory threads;
  private final Map<String, Runnable> parts = new LinkedHashMap<>();

  PartsCloser(Duration timeout, ThreadFactory threads) {
    this.timeout = timeout;
    this.threads = threads;
  }

  /** Notes a part to close. */
  void close(String name, Runnable closing) {
    parts.put(name, closing);
  }

  /** Closes them all; returns when it is done or the time is up. */
  void run() {
    Thread thread;
    try {
      thread = threads.newThread(this::closeAll);
      thread.start();
    } catch (Throwable e) { // no thread left
      closeAll();
      return;
    }
    try {
      thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(Nanos.of(timeout))));
      if (thread.isAlive()) {
        log.warn("closing the parts has taken {}; thread {} goes on", timeout, thread.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeAll() {
    parts.forEach(
        (name, closing) -> {
          try {
            closing.run();
          } catch (Throwable e) {
            log.warn("{} could not be closed in order", name, e);
          }
        });
  }
}
