package dev.s3llm.memory;

final class OraclePlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new OraclePlanner(id -> 20);
  }
}
