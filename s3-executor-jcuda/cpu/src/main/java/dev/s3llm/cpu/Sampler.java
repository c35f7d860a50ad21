package dev.s3llm.cpu;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Draws the next token from logits by {@link SamplingParameters}: after {@link LogitShaping},
 * temperature, top-k, min-p, top-p, then the inverse of the cumulative distribution at the draw of
 * the position.
 */
final class Sampler {
  private Sampler() {}

  /**
   * Draws a token.
   *
   * @param sequence the sequence whose next token is drawn
   * @param logits at least {@code offset + vocabulary} logits; biases, penalties and masks change
   *     them
   * @param offset index of the sequence's first logit
   * @param vocabulary number of logits of the sequence
   * @throws ArithmeticException if a logit of a token that may come is not finite
   * @throws IllegalStateException if the masks of the step leave no token
   */
  static int sample(SequenceStep sequence, float[] logits, int offset, int vocabulary) {
    LogitShaping.apply(sequence, logits, offset, vocabulary);
    int best = argmax(logits, offset, vocabulary);
    SamplingParameters sampling = sequence.sampling();
    if (logits[offset + best] == LogitShaping.MASKED) {
      throw new IllegalStateException("the masks of the step leave no token");
    }
    if (sampling.greedy()) {
      return best;
    }
    double[] exponents = new double[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      exponents[i] = ((double) logits[offset + i] - logits[offset + best]) / sampling.temperature();
    }
    double[] weights = Arrays.stream(exponents).map(Math::exp).toArray();
    int[] kept = kept(sampling, exponents, weights);
    return draw(kept, weights, sampling.uniform(sequence.startPosition() + sequence.tokenCount()));
  }

  private static int argmax(float[] logits, int offset, int vocabulary) {
    int best = 0;
    for (int i = 0; i < vocabulary; i++) {
      float logit = logits[offset + i];
      if (!Float.isFinite(logit)) {
        throw new ArithmeticException("the logit of token " + i + " is " + logit);
      }
      if (logit > logits[offset + best]) {
        best = i;
      }
    }
    return best;
  }

  /** Returns the tokens that may be drawn: all by id, or the kept ones by falling probability. */
  private static int[] kept(SamplingParameters sampling, double[] exponents, double[] weights) {
    int[] ids = IntStream.range(0, weights.length).toArray();
    boolean all = sampling.topK() == 0 && sampling.minP() == 0 && sampling.topP() >= 1;
    if (all) {
      return ids;
    }
    int[] ranked =
        Arrays.stream(ids)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -weights[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    int count = sampling.topK() == 0 ? ranked.length : Math.min(sampling.topK(), ranked.length);
    double leastExponent = StrictMath.log(sampling.minP());
    while (exponents[ranked[count - 1]] < leastExponent) {
      count--; // ends at the most probable token, whose exponent is 0
    }
    double total = Arrays.stream(ranked, 0, count).mapToDouble(i -> weights[i]).sum();
    double cumulative = 0;
    int nucleus = 0;
    while (nucleus < count && cumulative < sampling.topP() * total) {
      cumulative += weights[ranked[nucleus++]];
    }
    return Arrays.copyOf(ranked, Math.max(1, nucleus));
  }

  private static int draw(int[] kept, double[] weights, double uniform) {
    double total = 0;
    for (int token : kept) {
      total += weights[token];
    }
    double left = uniform * total;
    int last = kept[0];
    for (int token : kept) {
      left -= weights[token];
      if (left < 0) {
        return token;
      }
      last = weights[token] > 0 ? token : last;
    }
    return last; // rounding has left a rest
  }
}
