package dev.s3llm.testkit;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.testkit.HashExecutor.Decoding;
import java.util.concurrent.CompletionStage;

/** The reference executor of the engine's scenarios passes the tests of executors. */
class HashExecutorTest extends ExecutorContract {
  @Override
  protected Executor create() {
    return immediate(KvGrowth.PER_BLOCK, Decoding.TOKEN);
  }

  static Executor immediate(KvGrowth growth, Decoding decoding) {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(60, 4, 64)
            .hostBlocks(20)
            .maxContextTokens(200)
            .maxTokensPerStep(64)
            .maxSequencesPerStep(8)
            .vocabularySize(50)
            .growth(growth)
            .sharesPrefixes(growth == KvGrowth.PER_BLOCK)
            .featureWidth(5)
            .masksTokens(decoding != Decoding.CANVAS)
            .reportsLogProbabilities(decoding != Decoding.CANVAS)
            .takesInputs(growth == KvGrowth.FIXED_CANVAS)
            .build();
    return new Immediate(new HashExecutor(profile, decoding));
  }

  /** Completes each step at its launch. */
  private static final class Immediate extends ForwardingExecutor {
    private final HashExecutor hash;

    Immediate(HashExecutor hash) {
      super(hash);
      this.hash = hash;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      if (hash.closed()) {
        throw new IllegalStateException("closed");
      }
      CompletionStage<StepResult> stage = super.execute(batch);
      hash.complete();
      return stage;
    }
  }
}
