package dev.s3llm.schedule;

/** What the orders share. */
final class QueueOrders {
  /** Overtakes that a waiting sequence bears by default. */
  static final int DEFAULT_MAX_OVERTAKES = 1000;

  private QueueOrders() {}

  static void requireBound(int maxOvertakes) {
    if (maxOvertakes < 1) {
      throw new IllegalArgumentException("maxOvertakes must be at least 1, but is " + maxOvertakes);
    }
  }
}
