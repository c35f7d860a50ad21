package dev.s3llm.schedule;

import java.util.function.ToLongFunction;

/**
 * A policy that sorts the waiting sequences by a number, the lowest first.
 *
 * @param name name for tables
 * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
 * @param skipsUnfit whether others may pass a sequence that does not fit
 * @param ranking the number to sort by
 */
record SortedByRank(
    String name, int maxOvertakes, boolean skipsUnfit, ToLongFunction<SequenceView> ranking)
    implements SchedulingPolicy {

  SortedByRank {
    SchedulingPolicies.requireBound(maxOvertakes);
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return ranking.applyAsLong(sequence);
  }
}
