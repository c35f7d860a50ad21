package dev.s3llm.cpu;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepResult;
import dev.s3llm.execute.StepResult.LogProbabilities;
import java.util.Arrays;
import java.util.List;

/**
 * The log probabilities that the sequences of a step request, in the order of the batch. Sums are
 * in double precision and in the order of the ids, so that a sequence has the same values in any
 * batch.
 */
final class LogProbabilityRows {
  private final float[] values;
  private final int[] tokens;
  private int reserved;

  /**
   * Creates rows without values.
   *
   * @param sequences the sequences of the step
   */
  LogProbabilityRows(List<SequenceStep> sequences) {
    int count = sequences.stream().mapToInt(LogProbabilityRows::count).sum();
    this.values = new float[count];
    this.tokens = new int[count];
  }

  private static int count(SequenceStep sequence) {
    return sequence.samples() ? 1 + sequence.logProbabilities() : 0;
  }

  /**
   * Returns the place of the first value of the next sequence that samples.
   *
   * @param sequence the sequence; it need not request log probabilities
   */
  int reserve(SequenceStep sequence) {
    int place = reserved;
    reserved += count(sequence);
    return place;
  }

  /**
   * Sets the values of a sequence.
   *
   * @param place place of the first one
   * @param most number of most probable tokens
   * @param logits the logits of the model, one for each token
   * @param chosen id of the token that the step commits
   * @throws ArithmeticException if a logit is not a number, or infinite and positive
   */
  void set(int place, int most, float[] logits, int chosen) {
    float largest = logits[0];
    for (float logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - largest);
    }
    if (Double.isNaN(sum)) {
      throw new ArithmeticException("a logit is not finite, so there are no log probabilities");
    }
    double logSum = Math.log(sum);
    int[] top = largest(logits, most);
    for (int i = 0; i <= most; i++) {
      int token = i == 0 ? chosen : top[i - 1];
      tokens[place + i] = token;
      values[place + i] =
          token < 0 ? Float.NEGATIVE_INFINITY : (float) ((double) logits[token] - largest - logSum);
    }
  }

  /** Returns the ids of the largest logits, the largest first, among equals the lower id first. */
  private static int[] largest(float[] logits, int most) {
    int[] top = new int[most];
    Arrays.fill(top, StepResult.NO_TOKEN); // where the vocabulary has fewer tokens
    int count = 0;
    for (int token = 0; token < logits.length && most > 0; token++) {
      if (count == most && logits[token] <= logits[top[most - 1]]) {
        continue;
      }
      int at = count < most ? count++ : most - 1;
      while (at > 0 && logits[token] > logits[top[at - 1]]) {
        top[at] = top[--at];
      }
      top[at] = token;
    }
    return top;
  }

  /** Adds the values to a result, if any sequence has requested some. */
  StepResult addTo(StepResult result) {
    return values.length == 0
        ? result
        : result.withLogProbabilities(new LogProbabilities(values, tokens));
  }
}
