package dev.s3llm.schedule;

/** {@link SchedulingPolicies#firstComeFirstServed(int)}: equal ranks, so the arrival decides. */
record FirstComeFirstServed(int maxOvertakes) implements SchedulingPolicy {

  FirstComeFirstServed {
    SchedulingPolicies.requireBound(maxOvertakes);
  }

  @Override
  public String name() {
    return "fcfs";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return 0;
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }
}
