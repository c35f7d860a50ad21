package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.StepPlan;

/**
 * The plan of the next step, made while a step is in flight. It assumes that every sampled token
 * continues its sequence, and is valid until something else happens.
 */
final class Draft {
  private final StepPlan plan = new StepPlan();
  private boolean valid;

  /** Returns the plan, to fill or to carry out. */
  StepPlan plan() {
    return plan;
  }

  /** Marks the plan as valid: it was made for the state after the step in flight. */
  void markValid() {
    valid = true;
  }

  /** Marks the plan as invalid: something has happened that it does not assume. */
  void invalidate() {
    valid = false;
  }

  /** Returns whether the plan can be carried out unchanged, and marks it as used. */
  boolean take() {
    boolean wasValid = valid;
    valid = false;
    return wasValid;
  }
}
