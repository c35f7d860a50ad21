package dev.s3llm.scenario;

import dev.s3llm.memory.ForwardingPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;

/** A planner that throws when its fault strikes, and otherwise calls another planner. */
final class BreakingPlanner extends ForwardingPlanner {
  private final FaultPlan faults;
  private final Checkers checkers;

  BreakingPlanner(MemoryPlanner planner, FaultPlan faults, Checkers checkers) {
    super(planner);
    this.faults = faults;
    this.checkers = checkers;
  }

  @Override
  public void beginPlan(MemoryView view) {
    if (faults.strikes(Fault.PLANNER_THROWS, 300)) {
      checkers.engineLost();
      throw new StackOverflowError("planted");
    }
    super.beginPlan(view);
  }
}
