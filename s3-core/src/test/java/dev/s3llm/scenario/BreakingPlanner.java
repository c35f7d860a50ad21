package dev.s3llm.scenario;

import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.SequenceView;
import dev.s3llm.memory.StepCost;

/** A planner with a bug: it throws when that fault strikes, and works as another one until then. */
final class BreakingPlanner implements MemoryPlanner {
  private final MemoryPlanner planner;
  private final FaultPlan faults;
  private final Checkers checkers;

  BreakingPlanner(MemoryPlanner planner, FaultPlan faults, Checkers checkers) {
    this.planner = planner;
    this.faults = faults;
    this.checkers = checkers;
  }

  @Override
  public String name() {
    return planner.name();
  }

  @Override
  public void beginPlan(MemoryView view) {
    if (faults.strikes(Fault.PLANNER_THROWS, 300)) {
      checkers.engineLost();
      throw new StackOverflowError("planted");
    }
    planner.beginPlan(view);
  }

  @Override
  public MemoryDecision admit(SequenceView candidate, MemoryView view) {
    return planner.admit(candidate, view);
  }

  @Override
  public MemoryDecision grow(SequenceView sequence, MemoryView view) {
    return planner.grow(sequence, view);
  }

  @Override
  public int admissionBlocks(SequenceView candidate, MemoryView view) {
    return planner.admissionBlocks(candidate, view);
  }

  @Override
  public void stepCompleted(StepCost cost) {
    planner.stepCompleted(cost);
  }
}
