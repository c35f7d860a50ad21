package dev.s3llm.examples.plain;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Executors whose steps are late or fail. */
final class FaultyExecutors {
  private FaultyExecutors() {}

  /** Delays each step. */
  static final class Slow extends ForwardingExecutor {
    private final long millis;

    Slow(Executor executor, long millis) {
      super(executor);
      this.millis = millis;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return CompletableFuture.supplyAsync(
              () -> batch, CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS))
          .thenCompose(super::execute);
    }
  }

  /** Executes some steps, and each further one only after the gate opens. */
  static final class Stalling extends ForwardingExecutor {
    private final AtomicInteger stepsLeft;
    private final CompletableFuture<Void> gate;

    Stalling(Executor executor, AtomicInteger stepsLeft, CompletableFuture<Void> gate) {
      super(executor);
      this.stepsLeft = stepsLeft;
      this.gate = gate;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return stepsLeft.getAndDecrement() > 0
          ? super.execute(batch)
          : gate.thenCompose(opened -> super.execute(batch));
    }
  }

  /** Fails every step. */
  static final class Failing extends ForwardingExecutor {
    Failing(Executor executor) {
      super(executor);
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return CompletableFuture.failedFuture(new IllegalStateException("planted"));
    }
  }
}
