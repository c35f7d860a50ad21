package dev.s3llm.engine.loop;

import dev.s3llm.observe.FinishReason;
import java.util.EnumMap;

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
  private final EnumMap<FinishReason, Long> ended = new EnumMap<>(FinishReason.class);

  void ended(FinishReason reason) {
    ended.merge(reason, 1L, Long::sum);
  }

  long count(FinishReason reason) {
    return ended.getOrDefault(reason, 0L);
  }
}
