package dev.s3llm.support;

import java.util.concurrent.Executor;

/**
 * The executor on which user code runs, whatever it does with a task: it may be shut down, have no
 * thread left, or throw. Thread-safe if the executor is.
 */
public final class CallbackGuard {
  private final Executor callbacks;

  /**
   * Creates the guard.
   *
   * @param callbacks runs user code
   */
  public CallbackGuard(Executor callbacks) {
    this.callbacks = callbacks;
  }

  /** Submits a task; returns false if the executor threw, so that the task will not run. */
  public boolean submit(Runnable task) {
    return Guard.run(() -> callbacks.execute(task)) == null;
  }

  /** Submits a task, and runs it on this thread if the executor throws. */
  public void submitOrRun(Runnable task) {
    if (!submit(task)) {
      task.run();
    }
  }
}
