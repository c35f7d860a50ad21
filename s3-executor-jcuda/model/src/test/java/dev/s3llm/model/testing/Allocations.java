package dev.s3llm.model.testing;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/**
 * Bounds the bytes that a piece of work allocates on its thread, whatever sizes a damaged file
 * declares.
 */
public final class Allocations {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocations() {}

  /** Work that may throw. */
  @FunctionalInterface
  public interface Work {
    /** Does the work. */
    void run() throws Exception;
  }

  /**
   * Does the work and fails if it has allocated more than the limit. Exceptions of the work are
   * passed on. The first run may load classes, so work that exceeds the limit runs again.
   *
   * @param limitBytes bytes of heap, garbage included; native memory is not counted
   * @param work the work
   */
  public static void assertWithin(long limitBytes, Work work) throws Exception {
    if (bytesOf(work) > limitBytes) {
      long bytes = bytesOf(work);
      if (bytes > limitBytes) {
        throw new AssertionError(bytes + " bytes were allocated, the limit is " + limitBytes);
      }
    }
  }

  private static long bytesOf(Work work) throws Exception {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    work.run();
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }
}
