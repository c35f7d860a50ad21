package dev.s3llm.examples.docs;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorContract;

class LookupExecutorTest extends ExecutorContract {
  @Override
  protected Executor create() {
    return new LookupExecutor();
  }
}
