package dev.s3llm.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LengthPredictionTest {
  private static final Offset<Double> CLOSE = within(1e-9);
  private static final double QUANTILE_TOLERANCE = 2e-6;

  @Property(tries = 300)
  void survival_fallsFromOneToZero(@ForAll("predictions") LengthPrediction prediction) {
    double[] mass = mass(prediction);

    double above = 1;
    for (int tokens = 0; tokens <= prediction.maxTokens(); tokens++) {
      above -= tokens == 0 ? 0 : mass[tokens];
      assertThat(prediction.survival(tokens)).isCloseTo(above, CLOSE).isBetween(0.0, 1.0);
      assertThat(prediction.survival(tokens + 1))
          .isLessThanOrEqualTo(prediction.survival(tokens) + 1e-12);
    }
    assertThat(prediction.survival(-1)).isEqualTo(1);
    assertThat(prediction.survival(prediction.maxTokens())).isZero();
  }

  @Property(tries = 200)
  void sum_isExactAtItsEdges(
      @ForAll("predictions") LengthPrediction first,
      @ForAll("predictions") LengthPrediction second) {
    double[] a = mass(first);
    double[] b = mass(second);
    double[] upTo = new double[a.length + b.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b.length; j++) {
        upTo[i + j] += a[i] * b[j];
      }
    }
    for (int i = 1; i < upTo.length; i++) {
      upTo[i] += upTo[i - 1];
    }

    LengthPrediction sum = first.plus(second);
    for (int i = 0; i < sum.buckets().count(); i++) {
      int edge = sum.buckets().upperEdge(i);
      assertThat(sum.survival(edge)).as("%s", edge).isCloseTo(1 - upTo[edge], CLOSE);
    }
    assertThat(sum.mean()).isCloseTo(first.mean() + second.mean(), within(2.0));
  }

  @Property(tries = 500)
  void quantile_invertsSurvival(
      @ForAll("predictions") LengthPrediction prediction,
      @ForAll @DoubleRange(min = 0.01, max = 1) double p) {
    int quantile = prediction.quantile(p);

    assertThat(quantile).isBetween(1, prediction.maxTokens());
    assertThat(prediction.survival(quantile)).isLessThanOrEqualTo(1 - p + QUANTILE_TOLERANCE);
    assertThat(prediction.survival(quantile - 1)).isGreaterThan(1 - p - QUANTILE_TOLERANCE);
  }

  @Property(tries = 300)
  void given_isConditioning(
      @ForAll("predictions") LengthPrediction prediction,
      @ForAll @IntRange(min = 0, max = 300) int generated) {
    LengthPrediction conditional = prediction.given(generated);
    double alive = prediction.survival(generated);

    assertThat(conditional.survival(generated)).isCloseTo(1, CLOSE);
    if (alive <= 1e-6) {
      assertThat(conditional)
          .isEqualTo(LengthPrediction.of(LengthBuckets.of(generated, 2 * generated), 0, 1));
      return;
    }
    for (int tokens = generated; tokens <= prediction.maxTokens(); tokens++) {
      assertThat(conditional.survival(tokens))
          .isCloseTo(prediction.survival(tokens) / alive, CLOSE);
    }
  }

  @Property(tries = 300)
  void cappedAt_movesLongerLengthsToTheLimit(
      @ForAll("predictions") LengthPrediction prediction,
      @ForAll @IntRange(min = 1, max = 300) int limit) {
    LengthPrediction capped = prediction.cappedAt(limit);

    assertThat(capped.maxTokens()).isLessThanOrEqualTo(limit);
    for (int tokens = 0; tokens < limit; tokens++) {
      assertThat(capped.survival(tokens)).isCloseTo(prediction.survival(tokens), CLOSE);
    }
    assertThat(capped.survival(limit)).isZero();
  }

  @Property(tries = 300)
  void mean_isTheSumOverLengths(@ForAll("predictions") LengthPrediction prediction) {
    double[] mass = mass(prediction);
    double mean = 0;
    for (int tokens = 1; tokens < mass.length; tokens++) {
      mean += tokens * mass[tokens];
    }

    assertThat(prediction.mean()).isCloseTo(mean, within(1e-6));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 1000, Integer.MAX_VALUE})
  void exactly_isOneLength(int tokens) {
    LengthPrediction exact = LengthPrediction.exactly(tokens);

    assertThat(exact.maxTokens()).isEqualTo(tokens);
    assertThat(exact.quantile(0.01)).isEqualTo(tokens);
    assertThat(exact.quantile(1)).isEqualTo(tokens);
    assertThat(exact.mean()).isEqualTo(tokens);
    assertThat(exact.survival(tokens - 1)).isEqualTo(1);
    assertThat(exact.survival(tokens)).isZero();
  }

  @Test
  void after_isLongerByTheGeneratedTokens() {
    LengthPrediction left = LengthPrediction.of(LengthBuckets.of(4, 10), 1, 3);
    LengthPrediction whole = left.after(100);
    assertThat(whole.mean()).isCloseTo(left.mean() + 100, CLOSE);
    assertThat(whole.quantile(0.6)).isEqualTo(left.quantile(0.6) + 100);
    assertThat(whole.survival(100)).isCloseTo(1, CLOSE);
    assertThat(whole.expectedRemaining(100)).isCloseTo(left.mean(), CLOSE);
    assertThat(left.after(0)).isSameAs(left);
  }

  @Test
  void uniform_spreadsEvenly() {
    assertThat(LengthPrediction.uniform(100).quantile(0.37)).isEqualTo(37);
    assertThat(LengthPrediction.uniform(100).mean()).isEqualTo(50.5);
    assertThat(LengthPrediction.uniform(Integer.MAX_VALUE).mean()).isEqualTo(0x1.0p30);
  }

  @Test
  void inBucket_excludesTheOthers() {
    LengthPrediction prediction = LengthPrediction.inBucket(LengthBuckets.of(10, 20, 30), 1);

    assertThat(prediction.survival(10)).isEqualTo(1);
    assertThat(prediction.survival(20)).isZero();
    assertThat(prediction.mean()).isEqualTo(15.5);
  }

  @Test
  void weights_areNormalised() {
    LengthBuckets buckets = LengthBuckets.of(1, 2);

    assertThat(LengthPrediction.of(buckets, 3, 1).probability(0)).isEqualTo(0.75);
    assertThat(LengthPrediction.of(buckets, 3, 1)).isEqualTo(LengthPrediction.of(buckets, 6, 2));
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {
        Double.NaN,
        -1e-300,
        -1,
        Double.NEGATIVE_INFINITY,
        Double.POSITIVE_INFINITY,
      })
  void badProbability_isNamed(double bad) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthPrediction.of(LengthBuckets.of(1, 2), 1, bad))
        .withMessage("probabilities must be finite and not negative, but one is " + bad);
  }

  @Test
  void badSumOrCount_isNamed() {
    LengthBuckets buckets = LengthBuckets.of(1, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthPrediction.of(buckets, 0, 0))
        .withMessage("probabilities must have a positive sum, but it is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthPrediction.of(buckets, Double.MAX_VALUE, Double.MAX_VALUE))
        .withMessage("probabilities must have a positive sum, but it is Infinity");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthPrediction.of(buckets, 1))
        .withMessage("probabilities must have 2 values, but has 1");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void badQuantile_isNamed(double p) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LengthPrediction.uniform(5).quantile(p))
        .withMessage("p must be from 0 to 1, but is " + p);
  }

  @Property
  void expectedRemaining_isTheMeanOfTheConditionalDistributionLessTheTokensMade(
      @ForAll("predictions") LengthPrediction prediction,
      @ForAll @IntRange(max = 300) int generated) {
    assertThat(prediction.expectedRemaining(generated))
        .isCloseTo(prediction.given(generated).mean() - generated, within(1e-6));
  }

  @Provide
  Arbitrary<LengthPrediction> predictions() {
    return Arbitraries.longs().map(seed -> random(new Random(seed)));
  }

  private static LengthPrediction random(Random random) {
    int[] edges = new int[1 + random.nextInt(8)];
    double[] weights = new double[edges.length];
    int edge = 0;
    for (int i = 0; i < edges.length; i++) {
      edge += 1 + random.nextInt(random.nextBoolean() ? 3 : 30);
      edges[i] = edge;
      weights[i] = random.nextInt(3) == 0 ? 0 : random.nextDouble();
    }
    weights[random.nextInt(weights.length)] += 0.1;
    return LengthPrediction.of(LengthBuckets.of(edges), weights);
  }

  /** Returns the probability of each length. */
  private static double[] mass(LengthPrediction prediction) {
    LengthBuckets buckets = prediction.buckets();
    double[] mass = new double[prediction.maxTokens() + 1];
    for (int i = 0; i < buckets.count(); i++) {
      int width = buckets.upperEdge(i) - buckets.lowerEdge(i);
      for (int t = buckets.lowerEdge(i) + 1; t <= buckets.upperEdge(i); t++) {
        mass[t] = prediction.probability(i) / width;
      }
    }
    return mass;
  }
}
