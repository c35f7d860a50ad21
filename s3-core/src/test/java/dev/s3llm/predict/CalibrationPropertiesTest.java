package dev.s3llm.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

/** Properties of {@link Calibration} for any predictor and any lengths of answers. */
class CalibrationPropertiesTest {
  private static final int MAX = 4096;
  private static final double TOLERANCE = 0.03;

  @Property(tries = 60)
  void anyObservations_giveADistribution(@ForAll long seed) {
    Random random = new Random(seed);
    Calibration calibration = new Calibration();
    for (int i = 0; i < 300; i++) {
      LengthPrediction raw = anything(random);
      calibration.learn(raw, anyLength(random), random.nextBoolean());
      LengthPrediction result = calibration.apply(raw);
      double before = 1;
      for (int tokens = 0; tokens <= result.maxTokens(); tokens += 1 + tokens / 2) {
        assertThat(result.survival(tokens)).isBetween(0.0, before);
        before = result.survival(tokens);
      }
      assertThat(result.quantile(0.5)).isBetween(1, result.quantile(0.99));
      assertThat(result.mean()).isFinite().isPositive();
    }
  }

  @Property(tries = 12)
  void biasedNumbers_areCoveredInTheEnd(
      @ForAll long seed,
      @ForAll @DoubleRange(min = 0.2, max = 5) double bias,
      @ForAll @DoubleRange(min = 0.05, max = 0.8) double spread) {
    assertCovers(new Random(seed), typical -> exactly(bias * typical), spread);
  }

  @Property(tries = 12)
  void biasedDistributions_areCoveredInTheEnd(
      @ForAll long seed,
      @ForAll @DoubleRange(min = 0.3, max = 3) double bias,
      @ForAll @DoubleRange(min = 0.05, max = 0.8) double believed) {
    assertCovers(new Random(seed), typical -> around(bias * typical, believed), 0.3);
  }

  private interface Predictor {
    LengthPrediction predict(double typical);
  }

  /**
   * Answers are log-normal around a typical length, and up to three of ten are cut off. For a
   * quantile p, at least a share p of the answers must be up to it and at most a share p below it.
   * The two differ where many answers have one length.
   */
  private static void assertCovers(Random random, Predictor predictor, double spread) {
    Calibration calibration = new Calibration();
    double[] levels = {0.5, 0.9, 0.99};
    int[] upTo = new int[3];
    int[] below = new int[3];
    int warmUp = 3_000;
    int rounds = 6_000;
    for (int i = 0; i < warmUp + rounds; i++) {
      double typical = 20 * Math.pow(30, random.nextDouble());
      int actual = length(typical * Math.exp(spread * random.nextGaussian()));
      int limit = length(1.5 * typical * random.nextDouble());
      LengthPrediction raw = predictor.predict(typical);
      LengthPrediction calibrated = calibration.apply(raw);
      for (int j = 0; i >= warmUp && j < 3; j++) {
        int quantile = calibrated.quantile(levels[j]);
        upTo[j] += actual <= quantile ? 1 : 0;
        below[j] += actual < quantile ? 1 : 0;
      }
      boolean cut = random.nextDouble() < 0.3 && limit < actual;
      calibration.learn(raw, cut ? limit : actual, cut);
    }
    for (int j = 0; j < 3; j++) {
      String level = "p" + levels[j];
      assertThat((double) upTo[j] / rounds).as(level).isGreaterThan(levels[j] - TOLERANCE);
      assertThat((double) below[j] / rounds).as(level).isLessThan(levels[j] + TOLERANCE);
    }
  }

  private static LengthPrediction anything(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> LengthPrediction.exactly(anyLength(random));
      case 1 -> LengthPrediction.uniform(anyLength(random));
      case 2 -> around(anyLength(random), 0.01 + random.nextDouble());
      default -> LengthPrediction.of(LengthBuckets.of(1, 2, Integer.MAX_VALUE), 1e-300, 0, 1e-9);
    };
  }

  private static int anyLength(Random random) {
    return random.nextInt(8) == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(1 << random.nextInt(18));
  }

  private static int length(double tokens) {
    return (int) Math.max(1, Math.min(MAX, tokens));
  }

  private static LengthPrediction exactly(double tokens) {
    return LengthPrediction.exactly(length(tokens));
  }

  private static LengthPrediction around(double typical, double spread) {
    LengthBuckets buckets = LengthBuckets.logSpaced(MAX, 60);
    double[] probabilities = new double[60];
    for (int i = 0; i < 60; i++) {
      double middle = (buckets.lowerEdge(i) + 1.0 + buckets.upperEdge(i)) / 2;
      double z = Math.log(middle / typical) / spread;
      double width = Math.log((buckets.upperEdge(i) + 0.5) / (buckets.lowerEdge(i) + 0.5));
      probabilities[i] = Math.exp(-z * z / 2) * width + 1e-9;
    }
    return LengthPrediction.of(buckets, probabilities);
  }
}
