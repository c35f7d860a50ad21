package dev.s3llm.memory;

import dev.s3llm.testkit.MemoryPlannerContract;

final class S3PlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new S3Planner(7);
  }
}
