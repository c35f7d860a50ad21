package dev.s3llm.simulate;

import java.util.Arrays;
import java.util.SplittableRandom;

/** A way to spoil predicted lengths, to see what a policy does when predictions are wrong. */
public sealed interface PredictionError {
  /** No prediction is made longer than this. */
  int MAX_TOKENS = 1 << 24;

  /**
   * Spoils predictions.
   *
   * @param tokens predicted lengths, which stay as they are
   * @param random decides where chance is asked for
   * @return as many lengths, each at least 1
   */
  int[] spoil(int[] tokens, SplittableRandom random);

  /**
   * Every prediction is off by the same share.
   *
   * @param share above -1; -0.5 halves all predictions
   */
  record Bias(double share) implements PredictionError {
    /** Validates the share. */
    public Bias {
      if (!(share > -1 && share <= MAX_TOKENS)) {
        throw new IllegalArgumentException(
            "bias must be above -1 and at most %d, but is %s".formatted(MAX_TOKENS, share));
      }
    }

    @Override
    public int[] spoil(int[] tokens, SplittableRandom random) {
      return Arrays.stream(tokens).map(length -> scaled(length, 1 + share)).toArray();
    }
  }

  /**
   * Each prediction is multiplied by a lognormal factor with median 1.
   *
   * @param sigma standard deviation of the factor's logarithm, from 0 to 10
   */
  record Noise(double sigma) implements PredictionError {
    private static final double MAX_SIGMA = 10;

    /** Validates the deviation. */
    public Noise {
      if (!(sigma >= 0 && sigma <= MAX_SIGMA)) {
        throw new IllegalArgumentException("noise must be from 0 to 10, but is " + sigma);
      }
    }

    @Override
    public int[] spoil(int[] tokens, SplittableRandom random) {
      return Arrays.stream(tokens)
          .map(length -> scaled(length, Math.exp(sigma * random.nextGaussian())))
          .toArray();
    }
  }

  /**
   * Some predictions are those of other requests, chosen at random.
   *
   * @param probability that a request gets another's prediction, from 0 to 1
   */
  record Swap(double probability) implements PredictionError {
    /** Validates the probability. */
    public Swap {
      if (!(probability >= 0 && probability <= 1)) {
        throw new IllegalArgumentException("swap must be from 0 to 1, but is " + probability);
      }
    }

    @Override
    public int[] spoil(int[] tokens, SplittableRandom random) {
      int[] spoilt = tokens.clone();
      for (int i = 0; i < tokens.length && tokens.length > 1; i++) {
        if (random.nextDouble() < probability) {
          int other = random.nextInt(tokens.length - 1);
          spoilt[i] = tokens[other < i ? other : other + 1];
        }
      }
      return spoilt;
    }
  }

  private static int scaled(int tokens, double factor) {
    return (int) Math.max(1, Math.min(MAX_TOKENS, Math.round(tokens * factor)));
  }
}
