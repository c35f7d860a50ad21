package dev.s3llm.memory;

final class OnDemandPlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return new OnDemandPlanner(0.1);
  }
}
