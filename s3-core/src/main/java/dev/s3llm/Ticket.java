package dev.s3llm;

import dev.s3llm.engine.EngineLoop;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Names a request to the loop once it is there; a cancellation before that is remembered.
 * Thread-safe.
 */
final class Ticket {
  private final EngineLoop loop;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Object name;
  private boolean cancelled;

  Ticket(EngineLoop loop) {
    this.loop = loop;
  }

  /** The request is in the loop's hands, under this name. */
  void set(Object submitted) {
    lock.lock();
    try {
      name = submitted;
      if (cancelled) {
        loop.cancel(submitted);
      }
    } finally {
      lock.unlock();
    }
  }

  void cancel() {
    lock.lock();
    try {
      cancelled = true;
      if (name != null) {
        loop.cancel(name);
      }
    } finally {
      lock.unlock();
    }
  }
}
