package dev.s3llm.predict;

import java.util.Arrays;

/**
 * A probability distribution over output length, in tokens. Within a bucket the probability is
 * spread evenly over its lengths. Immutable and thread-safe.
 */
public final class LengthPrediction {
  /** Probability below which an event is taken to be impossible; covers rounding errors. */
  private static final double TOLERANCE = 1e-6;

  /** The most buckets of a sum of two lengths. */
  private static final int SUM_BUCKETS = 64;

  private final LengthBuckets buckets;

  /**
   * {@code survival[i]} is the probability of a length above bucket {@code i - 1}; the first is 1.
   */
  private final double[] survival;

  private LengthPrediction(LengthBuckets buckets, double[] survival) {
    this.buckets = buckets;
    this.survival = survival;
  }

  /**
   * Returns a distribution with the given probabilities of buckets.
   *
   * @param buckets the buckets
   * @param probabilities one value for each bucket, finite and not negative, with a positive and
   *     finite sum; the values are divided by their sum
   * @throws IllegalArgumentException if the number of values, a value or the sum is out of range;
   *     the message names it
   */
  public static LengthPrediction of(LengthBuckets buckets, double... probabilities) {
    if (probabilities.length != buckets.count()) {
      throw new IllegalArgumentException(
          "probabilities must have "
              + buckets.count()
              + " values, but has "
              + probabilities.length);
    }
    double sum = 0;
    for (double p : probabilities) {
      if (!(p >= 0 && p < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "probabilities must be finite and not negative, but one is " + p);
      }
      sum += p;
    }
    if (!(sum > 0 && sum < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "probabilities must have a positive sum, but it is " + sum);
    }
    double[] survival = new double[probabilities.length + 1];
    for (int i = probabilities.length - 1; i >= 0; i--) {
      survival[i] = Math.min(1, survival[i + 1] + probabilities[i] / sum);
    }
    survival[0] = 1;
    return new LengthPrediction(buckets, survival);
  }

  /**
   * Returns the distribution with one possible length.
   *
   * @param tokens the length in tokens, at least 1
   * @throws IllegalArgumentException if the length is below 1
   */
  public static LengthPrediction exactly(int tokens) {
    LengthBuckets point = tokens == 1 ? LengthBuckets.of(1) : LengthBuckets.of(tokens - 1, tokens);
    return tokens == 1 ? of(point, 1) : of(point, 0, 1);
  }

  /**
   * Returns the distribution with one possible bucket. This is the prediction of a classifier that
   * returns a class without probabilities.
   *
   * @param buckets the buckets
   * @param bucket index of the possible bucket, from 0 to {@code buckets.count() - 1}
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public static LengthPrediction inBucket(LengthBuckets buckets, int bucket) {
    double[] probabilities = new double[buckets.count()];
    probabilities[bucket] = 1;
    return of(buckets, probabilities);
  }

  /**
   * Returns the distribution in which all lengths from 1 to the maximum are equally probable.
   *
   * @param maxTokens longest length in tokens, at least 1
   * @throws IllegalArgumentException if the length is below 1
   */
  public static LengthPrediction uniform(int maxTokens) {
    return of(LengthBuckets.of(maxTokens), 1);
  }

  /** Returns the buckets of this distribution. */
  public LengthBuckets buckets() {
    return buckets;
  }

  /**
   * Returns the probability of a bucket, from 0 to 1.
   *
   * @param i index of the bucket, from 0 to {@code buckets().count() - 1}
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public double probability(int i) {
    return survival[i] - survival[i + 1];
  }

  /** Returns the longest length of the last bucket, in tokens. No answer is longer. */
  public int maxTokens() {
    return buckets.maxTokens();
  }

  /**
   * Returns the probability that the answer is longer than a number of tokens, from 0 to 1.
   *
   * @param tokens length in tokens, any value
   */
  public double survival(int tokens) {
    if (tokens <= 0) {
      return 1;
    }
    if (tokens >= buckets.maxTokens()) {
      return 0;
    }
    int i = buckets.bucketOf(tokens);
    int lower = buckets.lowerEdge(i);
    double within = (double) (tokens - lower) / (buckets.upperEdge(i) - lower);
    return survival[i] - within * probability(i);
  }

  /**
   * Returns the smallest length that the answer does not exceed with at least a given probability,
   * in tokens.
   *
   * @param p probability, in {@code [0, 1]}
   * @throws IllegalArgumentException if the probability is out of range
   */
  public int quantile(double p) {
    if (!(p >= 0 && p <= 1)) {
      throw new IllegalArgumentException("p must be from 0 to 1, but is " + p);
    }
    double target = 1 - p;
    int i = 0;
    while (i < buckets.count() - 1 && survival[i + 1] > target + TOLERANCE) {
      i++;
    }
    double mass = probability(i);
    int lower = buckets.lowerEdge(i);
    int width = buckets.upperEdge(i) - lower;
    double within = mass <= 0 ? 1 : (survival[i] - target) / mass;
    int steps = (int) Math.ceil(within * width - TOLERANCE);
    return lower + Math.max(1, Math.min(width, steps));
  }

  /** Returns the expected length, in tokens. */
  public double mean() {
    double mean = 0;
    for (int i = 0; i < buckets.count(); i++) {
      mean += probability(i) * (buckets.lowerEdge(i) + 1L + buckets.upperEdge(i)) / 2;
    }
    return mean;
  }

  /**
   * Returns the expected number of tokens that an answer still needs after a number of generated
   * tokens: the mean of {@link #given}, less the tokens generated. Always above 0.
   *
   * @param generated number of tokens generated so far; 0 or less for a new answer
   */
  public double expectedRemaining(int generated) {
    if (generated <= 0) {
      return mean();
    }
    double alive = survival(generated);
    if (alive <= TOLERANCE) {
      return (generated + 1.0) / 2;
    }
    int first = buckets.bucketOf(generated + 1);
    double sum = 0;
    for (int i = first; i < buckets.count(); i++) {
      double above = i == first ? alive : survival[i];
      double middle =
          (Math.max(generated, buckets.lowerEdge(i)) + 1.0 + buckets.upperEdge(i)) / 2 - generated;
      sum += (above - survival[i + 1]) * middle;
    }
    return sum / alive;
  }

  /**
   * Returns the conditional distribution of an answer that is longer than {@code generated} tokens.
   * If this distribution gives such an answer no probability, the result is uniform from {@code
   * generated + 1} to twice {@code generated}.
   *
   * @param generated number of tokens generated so far; this distribution is returned for 0 or less
   * @throws ArithmeticException if the answer has no probability and twice {@code generated}
   *     exceeds an {@code int}
   */
  public LengthPrediction given(int generated) {
    if (generated <= 0) {
      return this;
    }
    double alive = survival(generated);
    if (alive <= TOLERANCE) {
      return of(LengthBuckets.of(generated, Math.addExact(generated, generated)), 0, 1);
    }
    int first = buckets.bucketOf(generated + 1);
    int kept = buckets.count() - first;
    int[] edges = new int[kept + 1];
    double[] conditional = new double[kept + 1];
    edges[0] = generated;
    for (int i = 0; i < kept; i++) {
      edges[i + 1] = buckets.upperEdge(first + i);
      double above = i == 0 ? alive : survival[first + i];
      conditional[i + 1] = Math.max(0, above - survival[first + i + 1]);
    }
    return of(LengthBuckets.of(edges), conditional);
  }

  /**
   * Returns the distribution of the whole length if this one is of what is left after a number of
   * generated tokens: each length is longer by that number.
   *
   * @param generated number of tokens generated so far; this distribution is returned for 0 or less
   * @throws ArithmeticException if the longest length exceeds an {@code int}
   */
  public LengthPrediction after(int generated) {
    if (generated <= 0) {
      return this;
    }
    int count = buckets.count();
    int[] edges = new int[count + 1];
    double[] shifted = new double[count + 1];
    edges[0] = generated;
    for (int i = 0; i < count; i++) {
      edges[i + 1] = Math.addExact(generated, buckets.upperEdge(i));
      shifted[i + 1] = Math.max(0, probability(i));
    }
    return of(LengthBuckets.of(edges), shifted);
  }

  /**
   * Returns the distribution of the sum of this length and another one that does not depend on it.
   * It is exact at the edges of its buckets, of which there are at most 64, and takes some
   * microseconds.
   *
   * @param other the distribution of the other length
   */
  public LengthPrediction plus(LengthPrediction other) {
    int least = quantile(0) + other.quantile(0) - 1;
    long longest = (long) maxTokens() + other.maxTokens();
    int room = (int) Math.min(Integer.MAX_VALUE, longest) - least;
    LengthBuckets steps = LengthBuckets.logSpaced(room, Math.min(room, SUM_BUCKETS - 1));
    int count = steps.count();
    int[] edges = new int[count + 1];
    double[] probabilities = new double[count + 1];
    edges[0] = least;
    double above = 1;
    double[] integral = other.survivalSums();
    for (int i = 0; i < count; i++) {
      edges[i + 1] = least + steps.upperEdge(i);
      double beyond = i == count - 1 ? 0 : survivalOfSum(edges[i + 1], other, integral);
      probabilities[i + 1] = Math.max(0, above - beyond);
      above = Math.min(above, beyond);
    }
    return of(LengthBuckets.of(edges), probabilities);
  }

  /**
   * Returns the probability that this length and another one exceed a sum. Over the lengths x of a
   * bucket of this one, the other's probability to exceed {@code sum - x} adds up to a difference
   * of its sums.
   */
  private double survivalOfSum(int sum, LengthPrediction other, double... integral) {
    double exceeds = 0;
    double upper = other.survivalSum(sum - 1, integral);
    for (int i = 0; i < buckets.count(); i++) {
      double lower = other.survivalSum(sum - 1L - buckets.upperEdge(i), integral);
      exceeds += probability(i) * (upper - lower) / (buckets.upperEdge(i) - buckets.lowerEdge(i));
      upper = lower;
    }
    return exceeds;
  }

  /** Returns the sum of the survival from 0 to each lower edge of a bucket. */
  private double[] survivalSums() {
    double[] sums = new double[buckets.count() + 1];
    sums[0] = 1;
    for (int i = 0; i < buckets.count(); i++) {
      int width = buckets.upperEdge(i) - buckets.lowerEdge(i);
      sums[i + 1] = sums[i] + width * survival[i] - probability(i) * (width + 1.0) / 2;
    }
    return sums;
  }

  /** Returns the sum of the survival from 0 to a length; negative below 0, where it is 1. */
  private double survivalSum(long tokens, double... sums) {
    if (tokens <= 0) {
      return tokens + 1;
    }
    if (tokens >= buckets.maxTokens()) {
      return sums[buckets.count()];
    }
    int i = buckets.bucketOf((int) tokens);
    double steps = tokens - buckets.lowerEdge(i);
    int width = buckets.upperEdge(i) - buckets.lowerEdge(i);
    return sums[i] + steps * survival[i] - probability(i) * steps * (steps + 1) / 2 / width;
  }

  /**
   * Returns the distribution of the length if a limit cuts the answer off: the probability of all
   * longer answers moves to the limit.
   *
   * @param maxTokens the limit in tokens, at least 1
   * @throws IllegalArgumentException if the limit is below 1
   */
  public LengthPrediction cappedAt(int maxTokens) {
    if (maxTokens >= buckets.maxTokens()) {
      return this;
    }
    if (maxTokens == 1) {
      return exactly(1);
    }
    int last = buckets.bucketOf(maxTokens - 1);
    int[] edges = new int[last + 2];
    double[] capped = new double[last + 2];
    for (int i = 0; i <= last; i++) {
      edges[i] = i == last ? maxTokens - 1 : buckets.upperEdge(i);
      capped[i] = survival[i] - survival(edges[i]);
    }
    edges[last + 1] = maxTokens;
    capped[last + 1] = survival(maxTokens - 1);
    return of(LengthBuckets.of(edges), capped);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LengthPrediction that
        && buckets.equals(that.buckets)
        && Arrays.equals(survival, that.survival);
  }

  @Override
  public int hashCode() {
    return 31 * buckets.hashCode() + Arrays.hashCode(survival);
  }

  @Override
  public String toString() {
    return "LengthPrediction[p50=%d, p90=%d, max=%d]"
        .formatted(quantile(0.5), quantile(0.9), maxTokens());
  }
}
