package dev.s3llm.examples.docs;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.IntUnaryOperator;

/** Repeats the token that followed the last token before. All that it knows is in its KV blocks. */
final class LookupExecutor implements Executor {
  private static final int BLOCK = 16; // token slots
  private static final ExecutorProfile PROFILE =
      new ExecutorProfile(
          BLOCK,
          256,
          4 * BLOCK,
          64,
          1024,
          256,
          32,
          4096,
          KvGrowth.PER_BLOCK,
          RecoveryCosts.UNKNOWN);

  private final int[][] device = new int[PROFILE.blockCount()][BLOCK];
  private final int[][] host = new int[PROFILE.hostBlockCount()][BLOCK];
  private final ExecutorService steps = Executors.newSingleThreadExecutor();

  @Override
  public ExecutorProfile profile() {
    return PROFILE;
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return CompletableFuture.supplyAsync(() -> run(batch), steps); // returns at once
  }

  private StepResult run(StepBatch batch) {
    // Out before in, and both before anything is written.
    batch.swapOuts().forEach(c -> host[c.hostBlock()] = device[c.deviceBlock()].clone());
    batch.swapIns().forEach(c -> device[c.deviceBlock()] = host[c.hostBlock()].clone());
    return StepResult.of(batch.sequences().stream().mapToInt(this::next).toArray());
  }

  private int next(SequenceStep step) {
    int end = step.startPosition() + step.tokenCount();
    for (int p = step.startPosition(); p < end; p++) { // only these are new
      device[step.block(p / BLOCK)][p % BLOCK] = step.token(p);
    }
    if (!step.samples()) {
      return StepResult.NO_TOKEN; // an inner chunk of a prompt
    }
    IntUnaryOperator kv = p -> device[step.block(p / BLOCK)][p % BLOCK];
    int last = kv.applyAsInt(end - 1);
    for (int p = end - 2; p >= 0; p--) {
      if (kv.applyAsInt(p) == last) {
        return kv.applyAsInt(p + 1);
      }
    }
    return (last + 1) % PROFILE.vocabularySize();
  }

  @Override
  public void close() {
    steps.shutdown();
  }
}
