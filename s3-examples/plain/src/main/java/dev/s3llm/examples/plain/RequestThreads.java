package dev.s3llm.examples.plain;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Where requests wait for their tokens: a virtual thread each, or a thread of a pool. */
final class RequestThreads {
  private static final int POOL_THREADS = 64;

  private RequestThreads() {}

  /** Virtual threads from JDK 21 on; this class is compiled for 17, hence by name. */
  static ExecutorService create() {
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException e) {
      return Executors.newFixedThreadPool(POOL_THREADS);
    }
  }
}
