package dev.s3llm.support;

import org.jspecify.annotations.Nullable;

/**
 * Calls of code that may throw anything: parts, listeners and callbacks that users wrote, and work
 * of the engine that must not stop it if memory runs out.
 */
public final class Guard {
  private Guard() {}

  /**
   * Runs a task and catches everything that it throws.
   *
   * @param task the task, run once on this thread
   * @return what the task threw, or null
   */
  public static @Nullable Throwable run(Task task) {
    try {
      task.run();
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  /** A task that may throw anything. */
  @FunctionalInterface
  public interface Task {
    /** Runs the task. */
    void run() throws Exception;
  }
}
