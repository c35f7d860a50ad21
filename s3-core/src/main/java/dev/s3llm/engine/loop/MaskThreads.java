package dev.s3llm.engine.loop;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that make the masks of constrained requests: from 2 to 4, started when they are
 * needed, and ended when they are idle. A thread whose work is given up is replaced until the work
 * returns, at most {@value #MOST_LOST} threads at a time. Thread-safe.
 */
public final class MaskThreads implements Executor {
  /** The most threads that may be lost in work that does not return. */
  static final int MOST_LOST = 16;

  private static final Logger log = LoggerFactory.getLogger(MaskThreads.class);
  private static final int IDLE_SECONDS = 10;

  private final ReentrantLock lock = new ReentrantLock();
  private final Set<Runnable> running = new HashSet<>();
  private final Set<Runnable> lost = new HashSet<>();
  private final int count;
  private final ThreadPoolExecutor pool;

  /**
   * Creates the pool, without threads.
   *
   * @param threads makes the threads
   */
  public MaskThreads(ThreadFactory threads) {
    count = Math.max(2, Math.min(4, Runtime.getRuntime().availableProcessors() - 1));
    pool = new Pool(count, threads);
    pool.allowCoreThreadTimeOut(true);
  }

  /**
   * Runs work on one of the threads.
   *
   * @param work the work
   * @throws RejectedExecutionException if no thread is left, or after {@link #close}
   */
  @Override
  public void execute(Runnable work) {
    if (exhausted()) {
      throw noneLeft();
    }
    pool.execute(work);
  }

  /**
   * Replaces the thread that runs this work, if one still does. The caller has interrupted it.
   *
   * @param work the work, as it was executed
   */
  void abandon(Runnable work) {
    lock.lock();
    try {
      if (!running.contains(work) || !lost.add(work)) {
        return;
      }
      resize();
      log.warn(
          "a token constraint does not return; its thread is lost until it does, {} of at most {}",
          lost.size(),
          MOST_LOST);
    } finally {
      lock.unlock();
    }
  }

  /** Returns whether every thread is lost, and no further one is started. */
  boolean exhausted() {
    lock.lock();
    try {
      return lost.size() >= MOST_LOST + count;
    } finally {
      lock.unlock();
    }
  }

  /** Returns the failure of work that no thread is left for. */
  static RejectedExecutionException noneLeft() {
    return new RejectedExecutionException(
        "all threads that follow token constraints are lost in constraints that do not return;"
            + " mend the constraints, and start the engine again");
  }

  /** Interrupts the threads and refuses further work; does not wait for the threads to end. */
  public void close() {
    pool.shutdownNow();
  }

  /** Sets the number of threads: the usual one, and one for each that is lost. */
  private void resize() {
    int size = count + Math.min(MOST_LOST, lost.size());
    if (size > pool.getMaximumPoolSize()) {
      pool.setMaximumPoolSize(size);
      pool.setCorePoolSize(size);
    } else {
      pool.setCorePoolSize(size);
      pool.setMaximumPoolSize(size);
    }
  }

  /** A pool that knows what runs. */
  private final class Pool extends ThreadPoolExecutor {
    Pool(int count, ThreadFactory threads) {
      super(count, count, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
    }

    @Override
    protected void beforeExecute(Thread thread, Runnable work) {
      lock.lock();
      try {
        running.add(work);
      } finally {
        lock.unlock();
      }
    }

    @Override
    protected void afterExecute(Runnable work, @Nullable Throwable thrown) {
      lock.lock();
      try {
        running.remove(work);
        if (lost.remove(work)) {
          resize();
        }
      } finally {
        lock.unlock();
      }
    }
  }
}
