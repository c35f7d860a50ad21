package dev.s3llm.cpu;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Draws the next token from logits by {@link SamplingParameters}: repetition penalty, forbidden
 * tokens, temperature, top-k, top-p, then the inverse of the cumulative distribution at the draw of
 * the position.
 */
final class Sampler {
  private Sampler() {}

  /**
   * Draws a token.
   *
   * @param sequence the sequence whose next token is drawn
   * @param logits at least {@code offset + vocabulary} logits; a repetition penalty and forbidden
   *     tokens change them
   * @param offset index of the sequence's first logit
   * @param vocabulary number of logits of the sequence
   * @throws ArithmeticException if a logit is not finite
   */
  static int sample(SequenceStep sequence, float[] logits, int offset, int vocabulary) {
    SamplingParameters sampling = sequence.sampling();
    int length = sequence.startPosition() + sequence.tokenCount();
    if (sampling.repetitionPenalty() != 1) {
      penalise(sequence, length, logits, offset, (float) sampling.repetitionPenalty());
    }
    for (int token : sequence.forbiddenTokens()) {
      logits[offset + token] = -Float.MAX_VALUE;
    }
    int best = argmax(logits, offset, vocabulary);
    if (sampling.greedy()) {
      return best;
    }
    double[] weights = new double[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      double exponent = (double) logits[offset + i] - logits[offset + best];
      weights[i] = Math.exp(exponent / sampling.temperature());
    }
    int[] kept = kept(sampling, weights);
    return draw(kept, weights, sampling.uniform(length));
  }

  private static void penalise(
      SequenceStep sequence, int length, float[] logits, int offset, float penalty) {
    int[] seen = IntStream.range(0, length).map(sequence::token).sorted().distinct().toArray();
    for (int token : seen) {
      float logit = logits[offset + token];
      logits[offset + token] = logit > 0 ? logit / penalty : logit * penalty;
    }
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
  private static int[] kept(SamplingParameters sampling, double[] weights) {
    int[] ids = IntStream.range(0, weights.length).toArray();
    boolean all = sampling.topK() == 0 && sampling.topP() >= 1;
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
