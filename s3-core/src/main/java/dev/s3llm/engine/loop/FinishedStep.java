package dev.s3llm.engine.loop;

import dev.s3llm.memory.MemoryPlanner.StepCost;

/**
 * A step that succeeded, and what it cost. Planner and models learn from it when the next step is
 * launched, not earlier: a draft and a plan that is made anew must know the same.
 */
record FinishedStep(StepInFlight step, StepCost cost) {}
