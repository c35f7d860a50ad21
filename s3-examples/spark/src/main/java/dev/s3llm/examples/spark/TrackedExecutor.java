package dev.s3llm.examples.spark;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;

/**
 * Forwards to an executor and records whether it is closed. An engine whose step hangs closes
 * without closing its executor, whose memory then stays in use. Thread-safe if the other executor
 * is.
 */
final class TrackedExecutor extends ForwardingExecutor {
  private volatile boolean closed;

  TrackedExecutor(Executor real) {
    super(real);
  }

  /** Returns whether the executor is closed, and its memory released. */
  boolean closed() {
    return closed;
  }

  @Override
  public void close() {
    super.close();
    closed = true;
  }
}
