package dev.s3llm.engine.loop;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** A factory of daemon threads named {@code s3-engine-ROLE-N}. Thread-safe. */
public final class DaemonThreads implements ThreadFactory {
  private final String role;
  private final AtomicInteger next = new AtomicInteger();

  /**
   * Creates the factory.
   *
   * @param role what the threads do, for their names
   */
  public DaemonThreads(String role) {
    this.role = role;
  }

  @Override
  public Thread newThread(Runnable task) {
    Thread thread = new Thread(task, "s3-engine-" + role + "-" + next.getAndIncrement());
    thread.setDaemon(true);
    return thread;
  }
}
