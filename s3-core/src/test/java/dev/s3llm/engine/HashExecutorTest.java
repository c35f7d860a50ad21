package dev.s3llm.engine;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorContract;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletionStage;

/** The reference that the engine's scenarios rely on keeps the contract itself. */
class HashExecutorTest extends ExecutorContract {
  @Override
  protected Executor create() {
    return new Immediate(
        new HashExecutor(
            new ExecutorProfile(
                4, 60, 64, 20, 200, 64, 8, 50, KvGrowth.PER_BLOCK, RecoveryCosts.UNKNOWN)));
  }

  /** Completes each step when it is launched. */
  private static final class Immediate extends ForwardingExecutor {
    private final HashExecutor hash;

    Immediate(HashExecutor hash) {
      super(hash);
      this.hash = hash;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      if (hash.closed) {
        throw new IllegalStateException("closed");
      }
      CompletionStage<StepResult> stage = super.execute(batch);
      hash.complete();
      return stage;
    }
  }
}
