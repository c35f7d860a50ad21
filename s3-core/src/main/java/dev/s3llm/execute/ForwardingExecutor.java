package dev.s3llm.execute;

import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Passes every call on to another executor. A subclass overrides only the methods that it changes,
 * for measurements or for faults in a test. Methods that are added to {@link Executor} later are
 * passed on too.
 *
 * <p>Thread-safe if the other executor is.
 */
public abstract class ForwardingExecutor implements Executor {
  private final Executor delegate;

  /**
   * Wraps an executor.
   *
   * @param delegate receives all calls, {@link #close} included
   * @throws NullPointerException if the delegate is null
   */
  protected ForwardingExecutor(Executor delegate) {
    this.delegate = Objects.requireNonNull(delegate, "delegate must not be null");
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
  public void released(long sequenceId) {
    delegate.released(sequenceId);
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
