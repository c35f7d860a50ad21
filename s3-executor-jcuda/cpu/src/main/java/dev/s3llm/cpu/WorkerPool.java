package dev.s3llm.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Runs the iterations of a loop on the calling thread and a few more threads. */
final class WorkerPool implements AutoCloseable {
  private final int helpers;
  private final ExecutorService service;

  /**
   * Creates a pool.
   *
   * @param threads number of threads, the calling one included; at least 1
   * @param factory makes the threads of the pool
   */
  WorkerPool(int threads, ThreadFactory factory) {
    this.helpers = threads - 1;
    this.service = Executors.newFixedThreadPool(Math.max(1, helpers), factory);
  }

  /**
   * Runs the body for each index below {@code count} and waits for all.
   *
   * @param count number of iterations
   * @param worthSharing whether the pool's threads take part
   * @param body one iteration
   * @throws IllegalStateException if an iteration failed on a thread of the pool
   */
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
    List<CompletableFuture<Void>> shares = new ArrayList<>(helpers);
    for (int h = 0; h < helpers; h++) {
      shares.add(CompletableFuture.runAsync(share, service));
    }
    share.run();
    shares.forEach(WorkerPool::await);
  }

  /** Waits even when interrupted: the thread writes to the same arrays until it ends. */
  private static void await(CompletableFuture<Void> share) {
    try {
      share.join();
    } catch (CompletionException e) {
      throw new IllegalStateException("a kernel failed", e.getCause());
    }
  }

  @Override
  public void close() {
    service.shutdown();
  }
}
