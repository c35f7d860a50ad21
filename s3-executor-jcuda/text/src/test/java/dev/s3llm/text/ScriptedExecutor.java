package dev.s3llm.text;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;

/**
 * Answers every prompt with the same tokens, repeated without end, or fails after them. No step
 * ends while its gate is shut.
 */
final class ScriptedExecutor implements Executor {
  static final int CONTEXT = 1000;

  private final int[] script;
  private final boolean failsAtEnd;
  final CountDownLatch closed = new CountDownLatch(1);
  private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);

  ScriptedExecutor(boolean failsAtEnd, int... script) {
    this.failsAtEnd = failsAtEnd;
    this.script = script;
  }

  void shut() {
    gate = new CompletableFuture<>();
  }

  void open() {
    gate.complete(null);
  }

  @Override
  public ExecutorProfile profile() {
    return ExecutorProfile.builder()
        .kvBlocks(400, 16, 1)
        .maxContextTokens(CONTEXT)
        .maxTokensPerStep(512)
        .maxSequencesPerStep(8)
        .vocabularySize(ByteModel.VOCABULARY)
        .build();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return gate.thenApply(opened -> answer(batch));
  }

  private StepResult answer(StepBatch batch) {
    int[] tokens = new int[batch.sequences().size()];
    for (int i = 0; i < tokens.length; i++) {
      SequenceStep step = batch.sequences().get(i);
      int at = step.startPosition() + step.tokenCount() - step.promptTokens();
      if (failsAtEnd && at >= script.length) {
        throw new IllegalStateException("the script is over");
      }
      tokens[i] = step.samples() ? script[at % script.length] : StepResult.NO_TOKEN;
    }
    return StepResult.of(tokens);
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
