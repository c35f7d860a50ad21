package dev.s3llm.examples.spark;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Knows whether it is closed: an engine whose step hangs closes without its executor, which then
 * keeps its memory. Thread-safe if the real one is.
 */
final class TrackedExecutor implements Executor {
  private final Executor real;
  private volatile boolean closed;

  TrackedExecutor(Executor real) {
    this.real = real;
  }

  /** Whether the memory is released. */
  boolean closed() {
    return closed;
  }

  @Override
  public ExecutorProfile profile() {
    return real.profile();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return real.execute(batch);
  }

  @Override
  public Optional<Thread> stepThread() {
    return real.stepThread();
  }

  @Override
  public void close() {
    real.close();
    closed = true;
  }
}
