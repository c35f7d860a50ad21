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
    return Math.round(remaining(sequence));
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }

  @Override
  public int maxOvertakes(SequenceView sequence) {
    double bound = Math.ceil(overtakesPerToken * Math.max(0, remaining(sequence)));
    return (int) Math.max(1, Math.min(maxOvertakes, bound));
  }

  private static double remaining(SequenceView sequence) {
    if (sequence.canvas() && sequence.slotsNeeded() > sequence.promptTokens()) {
      return sequence.slotsNeeded() - sequence.promptTokens(); // starts over on a known canvas
    }
    int generated = sequence.generatedTokens();
    return sequence.prediction().given(generated).mean() - generated;
  }
}
