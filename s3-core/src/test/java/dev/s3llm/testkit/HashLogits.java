package dev.s3llm.testkit;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Logits that follow from a hash, of which one token has the largest: the hash modulo the size of
 * the vocabulary. The token with the largest logit is drawn, after masks, biases and penalties for
 * tokens of the output.
 *
 * @param hash the hash of a sequence's KV contents
 * @param vocabulary number of token ids, at least 1
 */
record HashLogits(long hash, int vocabulary) {
  private static final double LARGEST = 1.5;

  /** Returns the token that is drawn if nothing changes the logits. */
  int top() {
    return (int) Long.remainderUnsigned(hash, vocabulary);
  }

  /**
   * Returns the token that a sequence draws as the next one.
   *
   * @param sequence the sequence
   * @param output tokens that were drawn in the same step before
   */
  int draw(SequenceStep sequence, int... output) {
    SamplingParameters sampling = sequence.sampling();
    boolean masked = sequence.allowedTokens() != null || sequence.forbiddenTokens().length > 0;
    if (!masked && !shifts(sampling)) {
      return top();
    }
    double[] logits = IntStream.range(0, vocabulary).mapToDouble(this::logit).toArray();
    sampling.logitBias().forEach((token, bias) -> logits[token] += bias);
    int[] counts = new int[vocabulary];
    for (int i = 0; i < sequence.committedTokens(); i++) {
      counts[sequence.token(sequence.promptTokens() + i)]++;
    }
    Arrays.stream(output).forEach(token -> counts[token]++);
    for (int t = 0; t < vocabulary; t++) {
      logits[t] -= sampling.frequencyPenalty() * counts[t];
      logits[t] -= counts[t] > 0 ? sampling.presencePenalty() : 0;
    }
    return largest(logits, sequence.allowedTokens(), sequence.forbiddenTokens());
  }

  /**
   * Returns the token with the largest logit of those that a mask allows.
   *
   * @param allowed the mask
   */
  int drawAllowed(long... allowed) {
    double[] logits = IntStream.range(0, vocabulary).mapToDouble(this::logit).toArray();
    return largest(logits, allowed, new int[0]);
  }

  /**
   * Writes the log probabilities of a token and of the most probable ones.
   *
   * @param token the drawn token
   * @param values the place of {@code 1 + n} values
   * @param tokens the place of as many ids
   * @param first index of the first value
   * @param most {@code n}
   */
  void report(int token, float[] values, int[] tokens, int first, int most) {
    double sum = IntStream.range(0, vocabulary).mapToDouble(t -> Math.exp(logit(t))).sum();
    int[] ordered =
        IntStream.range(0, vocabulary)
            .boxed()
            .sorted(Comparator.comparingDouble(t -> -logit(t)))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int i = 0; i <= most; i++) {
      int t = i == 0 ? token : ordered[i - 1];
      tokens[first + i] = t;
      values[first + i] = (float) (logit(t) - Math.log(sum));
    }
  }

  private static boolean shifts(SamplingParameters sampling) {
    return !sampling.logitBias().isEmpty()
        || sampling.presencePenalty() != 0
        || sampling.frequencyPenalty() != 0;
  }

  private static int largest(double[] logits, long[] allowed, int... forbidden) {
    int best = -1;
    for (int t = 0; t < logits.length; t++) {
      boolean may = allowed == null || (allowed[t / 64] >>> (t % 64) & 1) == 1;
      if (may && Arrays.binarySearch(forbidden, t) < 0 && (best < 0 || logits[t] > logits[best])) {
        best = t;
      }
    }
    if (best < 0) {
      throw new AssertionError("a step may draw no token");
    }
    return best;
  }

  private double logit(int token) {
    return token == top()
        ? LARGEST
        : (HashExecutor.mix(hash ^ token * 0x9E3779B97F4A7C15L) >>> 11) * 0x1.0p-53;
  }
}
