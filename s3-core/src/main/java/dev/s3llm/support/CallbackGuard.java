package dev.s3llm.support;

import java.util.concurrent.Executor;

/**
 * The executor of user code, behind a guard: it may be shut down, have no thread left, or throw
 * anything. Thread-safe if the executor is.
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

  /**
   * Submits a task.
   *
   * @param task the task
   * @return false if the executor threw, so that the task will not run
   */
  public boolean submit(Runnable task) {
    return Guard.run(() -> callbacks.execute(task)) == null;
  }

  /**
   * Submits a task; runs it on this thread instead if the executor throws.
   *
   * @param task the task
   */
  public void submitOrRun(Runnable task) {
    if (!submit(task)) {
      task.run();
    }
  }
}
