package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.StepPlan;

/**
 * The plan of the next step, made while a step is in flight. It holds as long as nothing happens
 * but what it assumes: that every sampled token continues its sequence.
 */
final class Draft {
  private final StepPlan plan = new StepPlan();
  private boolean valid;

  /** Returns the plan, to fill or to carry out. */
  StepPlan plan() {
    return plan;
  }

  /** Notes that the plan was made for the state as it will be. */
  void made() {
    valid = true;
  }

  /** Notes that something else happened than the plan assumes. */
  void invalidate() {
    valid = false;
  }

  /** Returns whether the plan can be carried out as it is, and forgets it. */
  boolean take() {
    boolean held = valid;
    valid = false;
    return held;
  }
}
