package dev.s3llm;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/**
 * A bound on the heap that a piece of work allocates on its thread, for tests with hostile files.
 */
public final class Allocations {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocations() {}

  /** Work that may throw checked exceptions. */
  @FunctionalInterface
  public interface Work {
    /** Does the work. */
    void run() throws Exception;
  }

  /**
   * Does the work, and fails if it allocates more than the limit. What the work throws is passed
   * on. Work that exceeds the limit is done once more, because the first time may load classes.
   *
   * @param limitBytes bytes of heap, garbage included; native memory does not count
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
