package dev.s3llm.scenario;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ThreadFactory;

/** A factory of threads that run on the scenario's thread after they were started. */
final class StartedThreads implements ThreadFactory {
  private final Queue<Runnable> started = new ArrayDeque<>();

  @Override
  public Thread newThread(Runnable task) {
    return new Thread(task) {
      @Override
      public void start() {
        started.add(task);
      }
    };
  }

  /** Runs the threads that were started; returns their number. */
  int pump() {
    int ran = 0;
    Runnable task;
    while ((task = started.poll()) != null) {
      task.run();
      ran++;
    }
    return ran;
  }

  boolean isEmpty() {
    return started.isEmpty();
  }
}
