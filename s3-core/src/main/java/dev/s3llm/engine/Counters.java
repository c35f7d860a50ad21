package dev.s3llm.engine;

import dev.s3llm.observe.FinishReason;

/** What the loop counts. Only the loop writes. */
final class Counters {
  long submitted;
  long steps;
  long outputTokens;
  long preemptions;
  long recomputedTokens;
  long swappedTokens;
  long outgrown;
  long predictorFallbacks;
  long ignoredCompletions;
  long sinkFailures;
  private final long[] ended = new long[FinishReason.values().length];

  void ended(FinishReason reason) {
    ended[reason.ordinal()]++;
  }

  long count(FinishReason reason) {
    return ended[reason.ordinal()];
  }
}
