package dev.s3llm.testkit;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.testkit.HashExecutor.Decoding;

/** The reference executor passes the tests of executors with drafts, several tokens a step. */
class HashDraftsTest extends ExecutorContract {
  @Override
  protected Executor create() {
    return HashExecutorTest.immediate(KvGrowth.PER_BLOCK, Decoding.DRAFTS);
  }
}
