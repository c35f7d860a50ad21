package dev.s3llm.scenario;

import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.schedule.SequenceView;
import java.util.Random;

/** A planner that reserves absurd amounts, or never admits a sequence. */
final class HostilePlanner implements MemoryPlanner {
  private static final int[] ABSURD = {Integer.MIN_VALUE, -1, 0, 1, 7, Integer.MAX_VALUE};

  private final Random random;
  private final FaultPlan faults;
  private final boolean refuses;

  HostilePlanner(Random random, FaultPlan faults) {
    this.random = random;
    this.faults = faults;
    this.refuses = random.nextBoolean();
  }

  @Override
  public String name() {
    return "hostile";
  }

  @Override
  public MemoryDecision admit(SequenceView candidate, MemoryView view) {
    return refuses
        ? new MemoryDecision.Defer(Integer.MAX_VALUE, "no")
        : new MemoryDecision.Reserve(absurd(), "yes");
  }

  @Override
  public MemoryDecision grow(SequenceView sequence, MemoryView view) {
    return random.nextInt(3) == 0
        ? new MemoryDecision.Defer(absurd(), "no")
        : new MemoryDecision.Reserve(absurd(), "yes");
  }

  @Override
  public int admissionBlocks(SequenceView candidate, MemoryView view) {
    return absurd();
  }

  private int absurd() {
    faults.note(Fault.PLANNER_ABSURD);
    return ABSURD[random.nextInt(ABSURD.length)];
  }
}
