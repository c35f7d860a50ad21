package dev.s3llm;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/**
 * Bounds what a piece of work allocates on its thread: what a hostile file declares is no excuse.
 */
public final class Allocations {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocations() {}

  /** Work that may throw what it documents. */
  @FunctionalInterface
  public interface Work {
    /** Does it. */
    void run() throws Exception;
  }

  /**
   * Does the work and fails if it has allocated more; what it throws goes on. The first time it may
   * load classes; so what exceeds the limit gets a second chance.
   *
   * @param limitBytes of heap, garbage included; native memory is not seen
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
