package dev.s3llm.cpu;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs the iterations of a loop on the calling thread and a few more threads. One thread at a time
 * may call {@link #forEach}.
 *
 * <p>A token takes some hundred loops of a few microseconds each, less than it takes to wake a
 * thread. Therefore a thread without work polls for {@link #SPINS} rounds before it parks: it is
 * there for the next loop of a step, and does not burn a core between steps. Iterations are claimed
 * one after another, so a thread that the system has suspended delays at most the iterations that
 * it has begun.
 */
final class WorkerPool implements AutoCloseable {
  /** Polls before a thread parks: some 50 microseconds, more than the pause between two loops. */
  private static final int SPINS = 2_000;

  /** Polls between two calls of {@link Thread#yield}. */
  private static final int SPINS_PER_YIELD = 200;

  /** Claims for each thread in a loop, so that the last claims of all threads end together. */
  private static final int CLAIMS_PER_THREAD = 8;

  /** One iteration of a loop. */
  @FunctionalInterface
  interface Body {
    /**
     * Runs an iteration.
     *
     * @param thread number of the thread, below {@link #threads}; has its own scratch memory
     * @param index the iteration
     */
    void run(int thread, int index);
  }

  private final Helper[] helpers;
  private volatile @Nullable Loop current;
  private volatile boolean closed;

  /**
   * Creates a pool.
   *
   * @param threads number of threads, the calling one included; at least 1
   * @param factory makes the threads of the pool
   */
  WorkerPool(int threads, ThreadFactory factory) {
    helpers = new Helper[threads - 1];
    for (int h = 0; h < helpers.length; h++) {
      helpers[h] = new Helper(h + 1);
      Thread thread = factory.newThread(helpers[h]);
      helpers[h].thread = thread;
      thread.start();
    }
  }

  /** Returns the number of threads, the calling one included. */
  int threads() {
    return helpers.length + 1;
  }

  /**
   * Runs the body for each index below {@code count} and waits for all.
   *
   * @param count number of iterations
   * @param worthSharing whether the pool's threads take part
   * @param body one iteration
   * @throws IllegalStateException if an iteration failed on a thread of the pool
   */
  void forEach(int count, boolean worthSharing, Body body) {
    if (!worthSharing || count <= 1 || helpers.length == 0) {
      for (int i = 0; i < count; i++) {
        body.run(0, i);
      }
      return;
    }
    Loop loop = new Loop(count, Math.max(1, count / (threads() * CLAIMS_PER_THREAD)), body);
    current = loop;
    for (Helper helper : helpers) {
      if (helper.parked) {
        LockSupport.unpark(helper.thread);
      }
    }
    loop.share(0);
    loop.await();
  }

  /** Ends the threads once they have no iteration to run. */
  @Override
  public void close() {
    closed = true;
    for (Helper helper : helpers) {
      LockSupport.unpark(helper.thread);
    }
  }

  /** A loop whose iterations the threads claim. */
  private static final class Loop {
    private final int count;
    private final int claim;
    private final Body body;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger left;
    private final Thread caller = Thread.currentThread();
    private volatile boolean callerParked;
    private volatile @Nullable Throwable failure;

    Loop(int count, int claim, Body body) {
      this.count = count;
      this.claim = claim;
      this.body = body;
      this.left = new AtomicInteger(count);
    }

    /** Runs iterations until all are claimed. */
    void share(int thread) {
      int from;
      while (next.get() < count && (from = next.getAndAdd(claim)) < count) {
        int to = Math.min(count, from + claim);
        try {
          for (int i = from; i < to; i++) {
            body.run(thread, i);
          }
        } catch (Throwable e) { // the caller rethrows it; other threads may still run
          failure = e;
        }
        if (left.addAndGet(from - to) == 0 && callerParked) {
          LockSupport.unpark(caller);
        }
      }
    }

    /** Waits even when interrupted: other threads write to the same arrays until they end. */
    void await() {
      boolean interrupted = false;
      for (int spins = 0; left.get() > 0; spins++) {
        if (spins < SPINS) {
          pause(spins);
          continue;
        }
        callerParked = true;
        if (left.get() > 0) {
          LockSupport.park(this);
          interrupted |= Thread.interrupted();
        }
      }
      if (interrupted) {
        caller.interrupt();
      }
      if (failure != null) {
        throw new IllegalStateException("a kernel failed", failure);
      }
    }
  }

  @SuppressWarnings(
      "ThreadPriorityCheck") // only a hint, for machines with fewer cores than threads
  private static void pause(int spins) {
    if (spins % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) {
      Thread.yield();
    } else {
      Thread.onSpinWait();
    }
  }

  /** A thread of the pool: runs its share of each loop. */
  private final class Helper implements Runnable {
    private final int number;
    private @Nullable Thread thread;
    private volatile boolean parked;

    Helper(int number) {
      this.number = number;
    }

    @Override
    public void run() {
      Loop last = null;
      int spins = 0;
      while (!closed) {
        Loop loop = current;
        if (loop != null && loop != last) {
          loop.share(number);
          last = loop;
          spins = 0;
        } else if (spins < SPINS) {
          pause(spins++);
        } else {
          park(last);
          spins = 0;
        }
      }
    }

    private void park(@Nullable Loop last) {
      parked = true;
      if (current == last && !closed) {
        LockSupport.park(WorkerPool.this);
      }
      parked = false;
    }
  }
}
