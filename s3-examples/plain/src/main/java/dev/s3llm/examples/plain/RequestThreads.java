package dev.s3llm.examples.plain;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Where requests wait for their tokens: a virtual thread each, or a thread of a pool. */
final class RequestThreads {
  private static final int IDLE_SECONDS = 60;

  private RequestThreads() {}

  /**
   * Virtual threads from JDK 21 on; this class is compiled for 17, hence by name.
   *
   * @param most threads of the pool where there are none
   */
  static ExecutorService create(int most) {
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException e) {
      return pool(most);
    }
  }

  /** As many exchanges may wait as run; the server closes the connections of others. */
  static ExecutorService pool(int most) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            most, most, IDLE_SECONDS, TimeUnit.SECONDS, new ArrayBlockingQueue<>(most));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }
}
