package dev.s3llm.schedule;

import com.google.common.base.Preconditions;

/**
 * {@link SchedulingPolicies#shortestPredictedFirst(int, double)}: ranks by the expected remaining
 * output.
 */
record ShortestPredictedFirst(int maxOvertakes, double overtakesPerToken)
    implements SchedulingPolicy {

  ShortestPredictedFirst {
    SchedulingPolicies.requireBound(maxOvertakes);
    Preconditions.checkArgument(
        overtakesPerToken > 0, "overtakesPerToken must be positive, but is %s", overtakesPerToken);
  }

  @Override
  public String name() {
    return "spf";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return Math.round(sequence.expectedRemainingTokens());
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }

  @Override
  public int maxOvertakes(SequenceView sequence) {
    double bound = Math.ceil(overtakesPerToken * Math.max(0, sequence.expectedRemainingTokens()));
    return (int) Math.max(1, Math.min(maxOvertakes, bound));
  }
}
