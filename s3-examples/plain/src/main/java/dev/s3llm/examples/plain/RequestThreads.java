package dev.s3llm.examples.plain;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Creates the threads on which requests wait for their tokens: virtual ones, or a pool. */
final class RequestThreads {
  private static final int IDLE_SECONDS = 60;

  private RequestThreads() {}

  /**
   * Creates virtual threads from JDK 21 on, else a pool. Calls the factory by reflection because
   * this class is compiled for Java 17.
   *
   * @param most threads of the pool, at least 1
   */
  static ExecutorService create(int most) {
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException e) {
      return pool(most);
    }
  }

  /**
   * Creates a pool in which as many exchanges may wait as run; the server closes the connections of
   * further ones.
   *
   * @param most threads of the pool, at least 1
   */
  static ExecutorService pool(int most) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            most, most, IDLE_SECONDS, TimeUnit.SECONDS, new ArrayBlockingQueue<>(most));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }
}
