package dev.s3llm.engine.loop;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The default executor of user code: two threads, and more while user code blocks them, so that a
 * callback that blocks delays others only for a short time. {@link #growIfBlocked} is for one
 * thread at a time, the other methods for any.
 */
public final class CallbackPool implements Executor {
  private static final Logger log = LoggerFactory.getLogger(CallbackPool.class);
  private static final int THREADS = 2;
  private static final int MAX_THREADS = 32;
  private static final int KEEP_ALIVE_SECONDS = 10;

  private final ThreadPoolExecutor pool;
  private long completed;
  private boolean blockedBefore;

  /** Creates the pool; its threads start with the first task. */
  public CallbackPool(ThreadFactory threads) {
    pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            KEEP_ALIVE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            threads);
    pool.allowCoreThreadTimeOut(true);
  }

  @Override
  public void execute(Runnable task) {
    pool.execute(task);
  }

  /**
   * Adds threads if tasks wait and none was completed between two calls in succession. The
   * watchdog's thread calls it at each interval.
   */
  public void growIfBlocked() {
    long now = pool.getCompletedTaskCount();
    boolean blocked = now == completed && !pool.getQueue().isEmpty();
    if (blocked && blockedBefore) {
      grow();
    }
    completed = now;
    blockedBefore = blocked;
  }

  private void grow() {
    int size = pool.getCorePoolSize();
    if (size >= MAX_THREADS) {
      return;
    }
    if (size == THREADS) {
      log.warn("callbacks block all callback threads; adding threads");
    }
    pool.setMaximumPoolSize(2 * size);
    pool.setCorePoolSize(2 * size);
  }

  /** Refuses further tasks and waits up to a second for those queued, which still run. */
  public void close() {
    pool.shutdown();
    try {
      if (!pool.awaitTermination(1, TimeUnit.SECONDS)) {
        log.warn("callbacks are still running after the engine closed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
