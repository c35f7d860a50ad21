package dev.s3llm.support;

import org.jspecify.annotations.Nullable;

/**
 * Calls code that may throw anything: parts, listeners and callbacks that others wrote, and the
 * engine's own last steps when memory has run out.
 */
public final class Guard {
  private Guard() {}

  /**
   * Runs a task.
   *
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
