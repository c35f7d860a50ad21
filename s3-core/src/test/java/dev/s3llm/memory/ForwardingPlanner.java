package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;

/** Passes every call on to another planner; a test overrides the methods that it observes. */
public abstract class ForwardingPlanner implements MemoryPlanner {
  private final MemoryPlanner delegate;

  protected ForwardingPlanner(MemoryPlanner delegate) {
    this.delegate = delegate;
  }

  @Override
  public String name() {
    return delegate.name();
  }

  @Override
  public void beginPlan(MemoryView view) {
    delegate.beginPlan(view);
  }

  @Override
  public void stepCompleted(MemoryPlanner.StepCost cost) {
    delegate.stepCompleted(cost);
  }

  @Override
  public MemoryDecision admit(SequenceView candidate, MemoryView view) {
    return delegate.admit(candidate, view);
  }

  @Override
  public MemoryDecision grow(SequenceView sequence, MemoryView view) {
    return delegate.grow(sequence, view);
  }

  @Override
  public int admissionBlocks(SequenceView candidate, MemoryView view) {
    return delegate.admissionBlocks(candidate, view);
  }
}
