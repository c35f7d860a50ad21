package dev.s3llm.engine.loop;

import dev.s3llm.support.Guard;
import dev.s3llm.support.Nanos;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes parts one after another, on a thread that may hang without whoever closes the engine; what
 * one throws keeps no other open.
 */
public final class PartsCloser {
  private static final Logger log = LoggerFactory.getLogger(PartsCloser.class);

  private final Duration timeout;
  private final ThreadFactory threads;
  private final Map<String, Runnable> parts = new LinkedHashMap<>();

  public PartsCloser(Duration timeout, ThreadFactory threads) {
    this.timeout = timeout;
    this.threads = threads;
  }

  /** Notes a part to close. */
  public void close(String name, Runnable closing) {
    parts.put(name, closing);
  }

  /** Closes them all; returns when it is done or the time is up. */
  public void run() {
    Thread thread = startThread();
    if (thread == null) {
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

  /** Returns a thread that closes the parts, or null if there is none left. */
  private @Nullable Thread startThread() {
    AtomicReference<Thread> started = new AtomicReference<>();
    Guard.run(
        () -> {
          Thread thread = threads.newThread(this::closeAll);
          thread.start();
          started.set(thread);
        });
    return started.get();
  }

  private void closeAll() {
    parts.forEach(
        (name, closing) -> {
          Throwable thrown = Guard.run(closing::run);
          if (thrown != null) {
            log.warn("{} could not be closed in order", name, thrown);
          }
        });
  }
}
