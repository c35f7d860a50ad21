package dev.s3llm.jcuda.text;

import java.lang.management.ManagementFactory;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How much work the rendering of one template may do, and how much memory it may take. Not
 * thread-safe.
 */
final class RenderBudget {
  /** Of a string: what a tokenizer takes. */
  static final int MAX_CHARS = 4_000_000;

  /** Of a list or a map. */
  static final int MAX_ITEMS = 100_000;

  /** What an item weighs beside its text. */
  private static final int ITEM_CHARS = 10;

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

  /** Notes that an expression reads a list or a map, with all that it holds. */
  void read(Object value) {
    if (System.nanoTime() - start > MAX_NANOS) {
      throw new ChatTemplateException("the chat template does too much work");
    }
    if (weigh(value, MAX_CHARS) < 0) {
      throw new ChatTemplateException("the chat template makes a value that is too large");
    }
  }

  /** What is left of an allowance, below zero if nothing: a character counts one. */
  private static int weigh(@Nullable Object value, int allowance) {
    int left = allowance - ITEM_CHARS;
    if (value instanceof CharSequence text) {
      return left - text.length();
    }
    if (value instanceof Map<?, ?> map) {
      return weigh(map.values(), weigh(map.keySet(), left));
    }
    if (value instanceof Iterable<?> items) {
      Iterator<?> each = items.iterator();
      while (left >= 0 && each.hasNext()) {
        left = weigh(each.next(), left);
      }
    }
    return left;
  }

  /** Of this thread so far; always the same where the JVM does not count. */
  private static long allocatedBytes() {
    try {
      return ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
          ? threads.getCurrentThreadAllocatedBytes()
          : 0;
    } catch (LinkageError e) { // a runtime that was linked without jdk.management
      return 0;
    }
  }
}
