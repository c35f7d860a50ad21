package dev.s3llm;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * An executor for tests of whole engines: output token n of every sequence is n, modulo the
 * vocabulary. Steps run at once, or, if held, one for each {@link #release}. Tests plant faults in
 * {@link #onExecute}, which runs on the engine's thread, and in {@link #tamper}.
 */
public final class FakeExecutor implements Executor {
  public static final ExecutorProfile PROFILE =
      ExecutorProfile.builder()
          .kvBlocks(100, 4, 1)
          .maxContextTokens(100)
          .maxTokensPerStep(64)
          .maxSequencesPerStep(8)
          .vocabularySize(50)
          .build();

  private final Semaphore permits = new Semaphore(0);
  private final boolean held;
  volatile UnaryOperator<StepResult> tamper = r -> r;
  volatile Consumer<StepBatch> onExecute = b -> {};
  volatile int closes;
  volatile int steps;

  private FakeExecutor(boolean held) {
    this.held = held;
  }

  public static FakeExecutor immediate() {
    return new FakeExecutor(false);
  }

  public static FakeExecutor held() {
    return new FakeExecutor(true);
  }

  public void release(int count) {
    permits.release(count);
  }

  @Override
  public ExecutorProfile profile() {
    return PROFILE;
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    steps++;
    onExecute.accept(batch);
    int[] tokens = batch.sequences().stream().mapToInt(FakeExecutor::next).toArray();
    if (!held) {
      return CompletableFuture.completedFuture(tamper.apply(StepResult.of(tokens)));
    }
    CompletableFuture<StepResult> step = new CompletableFuture<>();
    Thread worker =
        new Thread(
            () -> {
              permits.acquireUninterruptibly();
              try {
                step.complete(tamper.apply(StepResult.of(tokens)));
              } catch (RuntimeException e) {
                step.completeExceptionally(e);
              }
            });
    worker.setDaemon(true);
    worker.start();
    return step;
  }

  private static int next(SequenceStep sequence) {
    int end = sequence.startPosition() + sequence.tokenCount();
    return sequence.samples() ? (end - sequence.promptTokens() + 1) % 50 : StepResult.NO_TOKEN;
  }

  @Override
  public void close() {
    closes++;
  }
}
