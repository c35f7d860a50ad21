package dev.s3llm.jcuda.text;

/** How much work the rendering of one template may do. Not thread-safe. */
final class RenderBudget {
  private static final long MAX_NANOS = 2_000_000_000L;

  /** Far more than any conversation needs: a few for each message. */
  private static final int MAX_NODES = 1_000_000;

  private final long start = System.nanoTime();
  private int nodes;

  /** Notes that a part of the template is about to be rendered. */
  void spend() {
    if (++nodes > MAX_NODES || System.nanoTime() - start > MAX_NANOS) {
      throw new ChatTemplateException("the chat template does too much work");
    }
  }
}
