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
 * Closes parts one after another on a thread of its own, so that a part that hangs does not hang
 * the caller of {@code close}. If closing a part throws, the others are closed nevertheless.
 */
public final class PartsCloser {
  private static final Logger log = LoggerFactory.getLogger(PartsCloser.class);

  private final Duration timeout;
  private final ThreadFactory threads;
  private final Map<String, Runnable> parts = new LinkedHashMap<>();

  /**
   * Creates a closer without parts.
   *
   * @param timeout how long {@link #run} waits, positive
   * @param threads makes the thread
   */
  public PartsCloser(Duration timeout, ThreadFactory threads) {
    this.timeout = timeout;
    this.threads = threads;
  }

  /**
   * Adds a part to close.
   *
   * @param name the part's name, for log messages
   * @param closing closes the part
   */
  public void close(String name, Runnable closing) {
    parts.put(name, closing);
  }

  /** Closes all parts; returns when they are closed or the timeout has passed. */
  public void run() {
    Thread thread = startThread();
    if (thread == null) {
      closeAll();
      return;
    }
    try {
      thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(Nanos.of(timeout))));
      if (thread.isAlive()) {
        log.warn(
            "closing the parts takes longer than {}; thread {} continues",
            timeout,
            thread.getName());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts a thread that closes the parts; returns null if none can be started. */
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
            log.warn("{} could not be closed cleanly", name, thrown);
          }
        });
  }
}
