package dev.s3llm.memory;

import dev.s3llm.testkit.MemoryPlannerContract;

final class OraclePlannerContractTest extends MemoryPlannerContract {
  @Override
  protected MemoryPlanner create() {
    return KnownLengthPlanners.oracle(id -> 20);
  }
}
