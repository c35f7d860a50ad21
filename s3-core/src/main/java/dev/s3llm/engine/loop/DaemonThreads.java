package dev.s3llm.engine.loop;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Daemon threads with a name that tells whose they are. */
public final class DaemonThreads implements ThreadFactory {
  private final String role;
  private final AtomicInteger next = new AtomicInteger();

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
