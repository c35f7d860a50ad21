package dev.s3llm.engine.loop;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads that make the masks of constrained requests: from 2 to 4, started when they are
 * needed, and ended when they are idle. Thread-safe.
 */
public final class MaskThreads implements Executor {
  private static final int IDLE_SECONDS = 10;

  private final ThreadPoolExecutor pool;

  /**
   * Creates the pool, without threads.
   *
   * @param threads makes the threads
   */
  public MaskThreads(ThreadFactory threads) {
    int count = Math.max(2, Math.min(4, Runtime.getRuntime().availableProcessors() - 1));
    pool =
        new ThreadPoolExecutor(
            count, count, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
    pool.allowCoreThreadTimeOut(true);
  }

  @Override
  public void execute(Runnable work) {
    pool.execute(work);
  }

  /** Interrupts the threads and refuses further work; does not wait for the threads to end. */
  public void close() {
    pool.shutdownNow();
  }
}
