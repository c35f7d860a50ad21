package dev.s3llm;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Daemon threads with a name that tells whose they are. */
final class DaemonThreads implements ThreadFactory {
  private final AtomicInteger next = new AtomicInteger();

  @Override
  public Thread newThread(Runnable task) {
    Thread thread = new Thread(task, "s3-engine-" + next.getAndIncrement());
    thread.setDaemon(true);
    return thread;
  }
}
