package dev.s3llm.cpu;

import com.google.common.util.concurrent.Uninterruptibles;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Shares the iterations of a loop between the calling thread and a few of its own. */
final class WorkerPool implements AutoCloseable {
  private final int helpers;
  private final ExecutorService service;

  /**
   * Creates a pool.
   *
   * @param threads threads in all, the caller's included
   */
  WorkerPool(int threads, ThreadFactory factory) {
    this.helpers = threads - 1;
    this.service = Executors.newFixedThreadPool(Math.max(1, helpers), factory);
  }

  /** Runs the body for each index below {@code count}; returns when all are done. */
  void forEach(int count, boolean worthSharing, IntConsumer body) {
    if (!worthSharing || count == 1 || helpers == 0) {
      for (int i = 0; i < count; i++) {
        body.accept(i);
      }
      return;
    }
    AtomicInteger next = new AtomicInteger();
    Runnable share =
        () -> {
          int i;
          while ((i = next.getAndIncrement()) < count) {
            body.accept(i);
          }
        };
    List<Future<?>> shares = new ArrayList<>(helpers);
    for (int h = 0; h < helpers; h++) {
      shares.add(service.submit(share));
    }
    share.run();
    shares.forEach(WorkerPool::await);
  }

  private static void await(Future<?> share) {
    try {
      Uninterruptibles.getUninterruptibly(share); // the helper still writes: its end must be seen
    } catch (ExecutionException e) {
      throw new IllegalStateException("a kernel failed", e.getCause());
    }
  }

  @Override
  public void close() {
    service.shutdown();
  }
}
