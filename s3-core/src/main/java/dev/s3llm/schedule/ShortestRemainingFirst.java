package dev.s3llm.schedule;

import com.google.common.base.Preconditions;
import dev.s3llm.support.Settings;

/**
 * {@link SchedulingPolicies#shortestRemainingFirst(double, int, int)}.
 *
 * <p>A rank is the square root of the work plus the ageing of the turns before the sequence joined.
 * A term that is added at the joining orders the queue like one that is subtracted while it waits,
 * and a rank need not change with time. The root keeps the longest requests from waiting for all
 * others: it matters more whether a request needs 50 or 100 tokens than 500 or 1,000.
 */
record ShortestRemainingFirst(double ageingPerTurn, int maxDisplacements, int maxOvertakes)
    implements SchedulingPolicy {
  /** Ranks per unit: ranks are whole numbers, and ageing may be slow. */
  private static final double RESOLUTION = 1e6;

  private static final double OUTPUT_PER_PROMPT_TOKEN =
      SchedulingPolicies.DEFAULT_OUTPUT_PER_PROMPT_TOKEN;

  /** How many times as much a running sequence must still need as the one that takes its place. */
  private static final double FACTOR = 3;

  ShortestRemainingFirst {
    SchedulingPolicies.requireBound(maxOvertakes);
    Settings.requireAtLeast("maxDisplacements", maxDisplacements, 0);
    Preconditions.checkArgument(
        ageingPerTurn >= 0 && ageingPerTurn < Double.POSITIVE_INFINITY,
        "ageingPerTurn must be 0 or more and finite, but is %s",
        ageingPerTurn);
  }

  @Override
  public String name() {
    return "srpt";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return Math.round(
        RESOLUTION * (Math.sqrt(work(sequence)) + ageingPerTurn * sequence.queueTurns()));
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }

  @Override
  public boolean displaces(SequenceView waiting, SequenceView running, double costTokens) {
    double left = running.expectedRemainingTokens();
    return running.generatedTokens() < left && left > FACTOR * work(waiting) + costTokens;
  }

  private static double work(SequenceView sequence) {
    return Rankings.workTokens(sequence, OUTPUT_PER_PROMPT_TOKEN);
  }
}
