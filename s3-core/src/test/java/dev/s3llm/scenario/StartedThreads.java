package dev.s3llm.scenario;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ThreadFactory;

/** Threads that run, when they are started, on the scenario's own. */
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

  /** Runs those that were started; returns how many there were. */
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
