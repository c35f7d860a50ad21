package dev.s3llm.engine.loop;

import dev.s3llm.engine.record.TenantNames;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.observe.FinishReason;
import java.util.EnumMap;

/** The counters of the loop. Only the loop's thread uses them. */
final class Counters {
  long submitted;
  long steps;
  long promptTokens;
  long cachedTokens;
  long outputTokens;
  long thinkingTokens;
  long preemptedOutgrown;
  long preemptedReclaimed;
  long preemptedDisplaced;
  long recomputedTokens;
  long swappedTokens;
  long outgrown;
  long predictorFallbacks;
  long ignoredCompletions;
  long callbackFailures;
  private final EnumMap<FinishReason, Long> ended = new EnumMap<>(FinishReason.class);

  final RequestTimes times = new RequestTimes();
  final TenantCounters tenants;

  /**
   * Creates counters.
   *
   * @param names decides which tenants are counted by name
   */
  Counters(TenantNames names) {
    this.tenants = new TenantCounters(names);
  }

  /** Counts a request that was accepted. */
  void accepted(Sequence sequence) {
    submitted++;
    promptTokens += sequence.promptTokens();
    tenants.accepted(sequence);
  }

  /** Records the first admission of a request. */
  void firstAdmission(Sequence sequence, long now) {
    long queued = now - sequence.spec().times().arrivalNanos();
    cachedTokens += sequence.reusableTokens();
    times.admitted(queued);
    tenants.admitted(sequence, queued);
  }

  /** Counts an output token. */
  void outputToken(Sequence sequence, long now) {
    outputTokens++;
    if (sequence.committedTokens() == 1) {
      long waited = Math.max(0, now - sequence.spec().times().arrivalNanos());
      times.firstToken(waited);
      tenants.firstToken(sequence, waited);
    }
  }

  /** Counts a request that ended. */
  void ended(Sequence sequence, FinishReason reason, SequenceOutcome.Timing timing) {
    ended.merge(reason, 1L, Long::sum);
    thinkingTokens += sequence.thinkingTokens();
    times.ended(sequence, reason, timing);
    tenants.ended(sequence, reason, timing);
  }

  /** Returns how many requests ended for this reason. */
  long count(FinishReason reason) {
    return ended.getOrDefault(reason, 0L);
  }
}
