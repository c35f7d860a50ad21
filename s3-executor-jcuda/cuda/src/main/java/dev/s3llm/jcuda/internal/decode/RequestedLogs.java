package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepResult;
import dev.s3llm.execute.StepResult.LogProbabilities;
import dev.s3llm.jcuda.internal.batch.BatchImage;
import dev.s3llm.jcuda.internal.batch.LogProbabilityFormat;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * Reads the log probabilities that the sequences of a step requested, in the order of the batch.
 */
final class RequestedLogs {
  private final List<SequenceStep> sequences;
  private final Map<Integer, Throwable> failures;
  private final float[] values;
  private final int[] tokens;
  private int end;

  /**
   * Creates values that are not read yet.
   *
   * @param sequences the sequences of the step
   * @param failures receives the sequences whose logits are not finite, by index in the batch
   */
  RequestedLogs(List<SequenceStep> sequences, Map<Integer, Throwable> failures) {
    int count = 0;
    for (SequenceStep sequence : sequences) {
      count += sequence.samples() ? 1 + sequence.logProbabilities() : 0;
    }
    this.sequences = sequences;
    this.failures = failures;
    this.values = new float[count];
    this.tokens = new int[count];
  }

  /**
   * Reads the rows of a part.
   *
   * @param memory what the device returned
   * @param first index in the batch of the part's first sequence
   * @param drawn the tokens of the batch; those of failing sequences are removed
   */
  void read(BatchImage image, PinnedMemory memory, int first, int... drawn) {
    if (!image.shape().logs()) {
      return;
    }
    ByteBuffer rows = memory.view(0, memory.bytes());
    for (int row = 0; row < image.shape().sampled(); row++) {
      int index = first + image.sampledSequence(row);
      int count = 1 + sequences.get(index).logProbabilities();
      boolean drew = !failures.containsKey(index);
      if (count > 0 && drew && Float.isNaN(LogProbabilityFormat.value(rows, row, 0))) {
        drawn[index] = StepResult.NO_TOKEN;
        failures.put(index, new ArithmeticException("a logit is not finite"));
        drew = false;
      }
      for (int i = 0; drew && i < count; i++) {
        values[end + i] = LogProbabilityFormat.value(rows, row, i);
        tokens[end + i] = LogProbabilityFormat.token(rows, row, i);
      }
      end += count;
    }
  }

  /** Adds the values to a result, if any sequence has requested some. */
  StepResult addTo(StepResult result) {
    return values.length == 0
        ? result
        : result.withLogProbabilities(new LogProbabilities(values, tokens));
  }
}
