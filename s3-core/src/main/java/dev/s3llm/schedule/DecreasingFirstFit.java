package dev.s3llm.schedule;

/** {@link SchedulingPolicies#decreasingFirstFit(int)}: ranks by blocks, the largest first. */
record DecreasingFirstFit(int maxOvertakes) implements SchedulingPolicy {

  DecreasingFirstFit {
    SchedulingPolicies.requireBound(maxOvertakes);
  }

  @Override
  public String name() {
    return "dff";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return -admissionBlocks;
  }

  @Override
  public boolean skipsUnfit() {
    return true;
  }

  @Override
  public long firstRankWithin(int availableBlocks) {
    return -availableBlocks;
  }
}
