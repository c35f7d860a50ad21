package dev.s3llm.examples.spark;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;

/**
 * Knows whether it is closed: an engine whose step hangs closes without its executor, which then
 * keeps its memory. Thread-safe if the real one is.
 */
final class TrackedExecutor extends ForwardingExecutor {
  private volatile boolean closed;

  TrackedExecutor(Executor real) {
    super(real);
  }

  /** Whether the memory is released. */
  boolean closed() {
    return closed;
  }

  @Override
  public void close() {
    super.close();
    closed = true;
  }
}
