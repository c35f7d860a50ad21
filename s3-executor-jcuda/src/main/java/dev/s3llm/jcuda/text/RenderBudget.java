package dev.s3llm.jcuda.text;

import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;

/**
 * How much work the rendering of one template may do, and how much memory it may take. Not
 * thread-safe.
 */
final class RenderBudget {
  /** Of a string: what a tokenizer takes. */
  static final int MAX_CHARS = 4_000_000;

  /** Of a list or a map. */
  static final int MAX_ITEMS = 100_000;

  /** Long: the first rendering of a process loads classes, on a machine that may be busy. */
  private static final long MAX_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Far more than any conversation needs: a few for each message. */
  private static final int MAX_NODES = 200_000;

  /** Over all, collected or not: enough to copy the longest text a hundred times. */
  private static final long MAX_ALLOCATED_BYTES = 1L << 30;

  private final long start = System.nanoTime();
  private final long allocatedAtStart = allocatedBytes();
  private int nodes;

  /** Notes that a part of the template is about to be rendered. */
  void spend() {
    if (++nodes > MAX_NODES || System.nanoTime() - start > MAX_NANOS) {
      throw new ChatTemplateException("the chat template does too much work");
    }
    if (allocatedBytes() - allocatedAtStart > MAX_ALLOCATED_BYTES) {
      throw new ChatTemplateException("the chat template takes too much memory");
    }
  }

  /** Of this thread so far; always the same where the JVM does not count. */
  private static long allocatedBytes() {
    return ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
        ? threads.getCurrentThreadAllocatedBytes()
        : 0;
  }
}
