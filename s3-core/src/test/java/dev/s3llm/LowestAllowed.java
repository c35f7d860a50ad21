package dev.s3llm;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.execute.StepResult.LogProbabilities;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * An executor that draws the lowest token that may come; without a constraint, output token n is n
 * plus the seed. The log probability of token t is -t. Steps end at once.
 */
final class LowestAllowed implements Executor {
  private static final int VOCABULARY = 50;

  /** The ids of the sequences of each step, ascending. */
  final List<List<Long>> steps = new ArrayList<>();

  /** What is added to the number of values that a step reports. */
  int excess;

  static ExecutorProfile.Builder profileBuilder() {
    return ExecutorProfile.builder()
        .kvBlocks(200, 4, 1)
        .maxContextTokens(600)
        .maxTokensPerStep(64)
        .maxSequencesPerStep(8)
        .vocabularySize(VOCABULARY);
  }

  @Override
  public ExecutorProfile profile() {
    return profileBuilder().masksTokens(true).reportsLogProbabilities(true).build();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    steps.add(batch.sequences().stream().map(SequenceStep::sequenceId).sorted().toList());
    int[] tokens = batch.sequences().stream().mapToInt(LowestAllowed::draw).toArray();
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < tokens.length; i++) {
      for (int n = 0; n <= batch.sequences().get(i).logProbabilities(); n++) {
        ids.add(n == 0 ? tokens[i] : n - 1);
      }
    }
    float[] values = new float[ids.size() + excess];
    int[] reported = new int[ids.size() + excess];
    for (int i = 0; i < ids.size(); i++) {
      values[i] = -ids.get(i);
      reported[i] = ids.get(i);
    }
    StepResult result = StepResult.of(tokens);
    return CompletableFuture.completedFuture(
        values.length == 0
            ? result
            : result.withLogProbabilities(new LogProbabilities(values, reported)));
  }

  private static int draw(SequenceStep sequence) {
    long[] allowed = sequence.allowedTokens();
    if (!sequence.samples()) {
      return StepResult.NO_TOKEN;
    }
    return allowed == null
        ? Math.floorMod(sequence.committedTokens() + 1 + sequence.sampling().seed(), VOCABULARY)
        : Long.numberOfTrailingZeros(allowed[0]);
  }

  @Override
  public void close() {}
}
