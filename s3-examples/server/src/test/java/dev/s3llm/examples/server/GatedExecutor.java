package dev.s3llm.examples.server;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.annotation.Bean;

/** Runs the small model, but each step waits while the gate is shut. */
final class GatedExecutor extends ForwardingExecutor {
  private final AtomicInteger freeSteps = new AtomicInteger();
  private volatile boolean blocks;
  private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);

  private GatedExecutor(Executor model) {
    super(model);
  }

  /** As an application would bring an executor of its own. */
  static class Bringing {
    /** Room for one request of 256 tokens, more or less. */
    @Bean(destroyMethod = "")
    GatedExecutor gatedExecutor() {
      return new GatedExecutor(
          CpuExecutor.builder(SmallModel.unpack()).kvBytes(2L << 20).swapBytes(0).build());
    }
  }

  void shut() {
    shutAfter(0);
  }

  /** Lets some more steps through, whenever they come. */
  void shutAfter(int steps) {
    open();
    freeSteps.set(steps);
    gate = new CompletableFuture<>();
  }

  /** Blocks whoever hands over a step, which is the engine's loop, instead of the step alone. */
  void hang() {
    shut();
    blocks = true;
  }

  void open() {
    blocks = false;
    gate.complete(null);
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    if (freeSteps.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      return super.execute(batch);
    }
    if (blocks) {
      gate.join();
    }
    return gate.thenCompose(opened -> super.execute(batch));
  }

  @Override
  public void close() {
    open();
    super.close();
  }
}
