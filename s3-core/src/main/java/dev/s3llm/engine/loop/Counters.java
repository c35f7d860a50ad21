package dev.s3llm.engine.loop;

import dev.s3llm.observe.FinishReason;
import java.util.EnumMap;

/** The counters of the loop. Only the loop's thread uses them. */
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
  long callbackFailures;
  private final EnumMap<FinishReason, Long> ended = new EnumMap<>(FinishReason.class);

  /** Counts a request that ended. */
  void ended(FinishReason reason) {
    ended.merge(reason, 1L, Long::sum);
  }

  /** Returns how many requests ended for this reason. */
  long count(FinishReason reason) {
    return ended.getOrDefault(reason, 0L);
  }
}
