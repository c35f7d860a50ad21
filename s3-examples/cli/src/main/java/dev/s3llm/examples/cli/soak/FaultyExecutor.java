package dev.s3llm.examples.cli.soak;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Fails some steps, before or after their execution, and gives wrong results for others. */
final class FaultyExecutor extends ForwardingExecutor {
  private final int oneIn;
  private final Random random;

  /**
   * Wraps an executor.
   *
   * @param executor the executor to wrap
   * @param oneIn one step of this many fails, at least 1
   * @param seed of the random choice
   */
  FaultyExecutor(Executor executor, int oneIn, long seed) {
    super(executor);
    this.oneIn = oneIn;
    this.random = new Random(seed);
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    if (random.nextInt(oneIn) > 0) {
      return super.execute(batch);
    }
    return switch (random.nextInt(3)) {
      case 0 -> CompletableFuture.failedFuture(new IllegalStateException("planted before"));
      case 1 -> super.execute(batch).thenApply(FaultyExecutor::failed);
      default -> super.execute(batch).thenApply(result -> StepResult.of(-7));
    };
  }

  private static StepResult failed(StepResult result) {
    throw new IllegalStateException("planted after " + result.tokens().length + " results");
  }
}
