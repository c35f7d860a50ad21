package dev.s3llm.memory;

import dev.s3llm.testkit.MemoryPlannerContract;

final class OnDemandPlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new OnDemandPlanner(0.1);
  }
}
