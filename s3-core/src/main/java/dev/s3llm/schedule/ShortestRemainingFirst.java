package dev.s3llm.schedule;

import com.google.common.base.Preconditions;
import dev.s3llm.support.Settings;

/** {@link SchedulingPolicies#shortestRemainingFirst(double, int, int)}. */
record ShortestRemainingFirst(double ageingPerSecond, int maxDisplacements, int maxOvertakes)
    implements SchedulingPolicy {
  private static final double NANOS_PER_SECOND = 1e9;

  /** Ranks per token: ranks are whole numbers, and ageing may be slow. */
  private static final double RESOLUTION = 1000;

  private static final double OUTPUT_PER_PROMPT_TOKEN =
      SchedulingPolicies.DEFAULT_OUTPUT_PER_PROMPT_TOKEN;

  /** How many times as much a running sequence must still need as the one that takes its place. */
  private static final double FACTOR = 3;

  ShortestRemainingFirst {
    SchedulingPolicies.requireBound(maxOvertakes);
    Settings.requireAtLeast("maxDisplacements", maxDisplacements, 0);
    Preconditions.checkArgument(
        ageingPerSecond >= 0 && ageingPerSecond < Double.POSITIVE_INFINITY,
        "ageingPerSecond must be 0 or more and finite, but is %s",
        ageingPerSecond);
  }

  @Override
  public String name() {
    return "srpt";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    double arrivalSeconds = sequence.arrivalNanos() / NANOS_PER_SECOND;
    double tokens = work(sequence) + ageingPerSecond * arrivalSeconds;
    return Math.round(RESOLUTION * tokens);
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
