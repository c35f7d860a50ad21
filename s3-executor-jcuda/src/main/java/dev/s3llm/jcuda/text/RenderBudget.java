package dev.s3llm.jcuda.text;

import java.util.concurrent.TimeUnit;

/** How much work the rendering of one template may do. Not thread-safe. */
final class RenderBudget {
  /** Long: the first rendering of a process loads classes, on a machine that may be busy. */
  private static final long MAX_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Far more than any conversation needs: a few for each message. */
  private static final int MAX_NODES = 200_000;

  private final long start = System.nanoTime();
  private int nodes;

  /** Notes that a part of the template is about to be rendered. */
  void spend() {
    if (++nodes > MAX_NODES || System.nanoTime() - start > MAX_NANOS) {
      throw new ChatTemplateException("the chat template does too much work");
    }
  }
}
