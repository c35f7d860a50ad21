package dev.s3llm.memory;

final class S3PlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new S3Planner(7);
  }
}
