package dev.s3llm.memory;

import dev.s3llm.testkit.MemoryPlannerContract;

final class WorstCasePlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new WorstCasePlanner();
  }
}
