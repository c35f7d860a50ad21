package dev.s3llm.memory;

final class WorstCasePlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new WorstCasePlanner();
  }
}
