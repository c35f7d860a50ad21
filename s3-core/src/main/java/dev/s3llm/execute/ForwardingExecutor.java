package dev.s3llm.execute;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Passes every call on to another executor. Extend it to put something around the steps of one
 * (measurements, faults for a test) and override only what differs: what {@link Executor} gains
 * later is passed on too. Thread-safe if the other one is.
 */
public abstract class ForwardingExecutor implements Executor {
  private final Executor delegate;

  /**
   * Wraps an executor.
   *
   * @param delegate gets all calls, {@link #close} included
   */
  protected ForwardingExecutor(Executor delegate) {
    this.delegate = delegate;
  }

  @Override
  public ExecutorProfile profile() {
    return delegate.profile();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return delegate.execute(batch);
  }

  @Override
  public Optional<Thread> stepThread() {
    return delegate.stepThread();
  }

  @Override
  public void close() {
    delegate.close();
  }
}
