package dev.s3llm.engine.loop;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where user code runs by default: two threads, and more while user code blocks them, so that who
 * blocks holds up others for a moment only.
 */
public final class CallbackPool implements Executor {
  private static final Logger log = LoggerFactory.getLogger(CallbackPool.class);
  private static final int THREADS = 2;
  private static final int MOST_THREADS = 32;
  private static final int KEEP_ALIVE_SECONDS = 10;

  private final ThreadPoolExecutor pool;
  private long completed;
  private boolean stood;

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

  /** Adds threads if nothing was done between two looks though something was to be done. */
  public void relieve() {
    long now = pool.getCompletedTaskCount();
    boolean stands = now == completed && !pool.getQueue().isEmpty();
    if (stands && stood) {
      grow();
    }
    completed = now;
    stood = stands;
  }

  private void grow() {
    int size = pool.getCorePoolSize();
    if (size >= MOST_THREADS) {
      return;
    }
    if (size == THREADS) {
      log.warn("callbacks block the threads that all callbacks share; adding threads");
    }
    pool.setMaximumPoolSize(2 * size);
    pool.setCorePoolSize(2 * size);
  }

  /** Takes no more; what is queued still runs. Waits a second for it. */
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
