package dev.s3llm.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.s3llm.testkit.LengthPredictorContract;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class CalibratedPredictorTest {
  private static final int MAX = 4096;
  private static final int WARM_UP = 3_000;
  private static final int ROUNDS = 6_000;

  @Nested
  class Contract extends LengthPredictorContract {
    @Override
    protected LengthPredictor create() {
      return new CalibratedPredictor(new EmpiricalLengthPredictor());
    }
  }

  @Nested
  class HintedContract extends LengthPredictorContract {
    @Override
    protected LengthPredictor create() {
      return new HintedPredictor(new EmpiricalLengthPredictor());
    }
  }

  @Test
  void predictionsThatAreTooShort_areCoveredInTheEnd() {
    assertCovers(typical -> around(typical * 0.5), 0);
  }

  @Test
  void predictionsThatAreTooLong_areCoveredInTheEnd() {
    assertCovers(typical -> around(typical * 2), 0);
  }

  @Test
  void singleNumbers_becomeDistributions() {
    assertCovers(typical -> LengthPrediction.exactly(Math.max(1, typical)), 0);
  }

  @Test
  void constants_becomeTheDistributionOfAllLengths() {
    assertCovers(typical -> LengthPrediction.exactly(100), 0);
  }

  @Test
  void calibratedPredictions_stayCalibrated() {
    assertCovers(CalibratedPredictorTest::around, 0);
  }

  @Test
  void answersThatAreCutOff_doNotShortenPredictions() {
    assertCovers(typical -> around(typical * 0.5), 0.5);
    assertCovers(typical -> LengthPrediction.exactly(Math.max(1, typical)), 0.5);
  }

  @Test
  void sharpPredictions_staySharp() {
    World world = new World(CalibratedPredictorTest::around, 0);
    world.run(WARM_UP);
    double sharp = world.meanP90OverLength(1_000);
    World blind = new World(typical -> LengthPrediction.exactly(100), 0);
    blind.run(WARM_UP);
    assertThat(sharp).isLessThan(0.7 * blind.meanP90OverLength(1_000));
  }

  @Test
  void changedTraffic_isFollowed() {
    World world = new World(CalibratedPredictorTest::around, 0);
    world.run(WARM_UP);
    world.factor = 3; // answers become three times as long, and predictions stay
    world.run(2_000);
    assertThat(world.coverage(0.9, 3_000)).isCloseTo(0.9, offset(0.03));
  }

  @Test
  void hints_areCorrectedByTheirObservedErrors() {
    HintedPredictor predictor = new HintedPredictor(new EmpiricalLengthPredictor());
    Random random = new Random(5);
    for (int i = 0; i < 500; i++) {
      int hint = 20 + random.nextInt(400);
      LengthQuery query = new LengthQuery(i + 1, null, null, hint, MAX);
      LengthPrediction answer = predictor.predict(query).toCompletableFuture().join();
      predictor.observe(
          new LengthFeedback(
              query, answer, 2 * hint, false)); // the hint is always half of the length
    }
    LengthPrediction answer =
        predictor
            .predict(new LengthQuery(9_999, null, null, 100, MAX))
            .toCompletableFuture()
            .join();
    assertThat(answer.quantile(0.5)).isBetween(180, 220);
    assertThat(answer.quantile(0.95)).isLessThan(300);
  }

  private static void assertCovers(IntFunction<LengthPrediction> predictor, double censoring) {
    World world = new World(predictor, censoring);
    world.run(WARM_UP);
    for (double p : new double[] {0.5, 0.9, 0.99}) {
      assertThat(world.coverage(p, ROUNDS)).as("p%s", p).isCloseTo(p, offset(0.03));
    }
  }

  /** Returns a good prediction: log-normal around the typical length, with a deviation of 0.3. */
  private static LengthPrediction around(double typical) {
    LengthBuckets buckets = LengthBuckets.logSpaced(MAX, 60);
    double[] probabilities = new double[60];
    for (int i = 0; i < 60; i++) {
      double middle = (buckets.lowerEdge(i) + 1.0 + buckets.upperEdge(i)) / 2;
      double z = Math.log(middle / typical) / 0.3;
      double width = Math.log((buckets.upperEdge(i) + 0.5) / (buckets.lowerEdge(i) + 0.5));
      probabilities[i] = Math.exp(-z * z / 2) * width + 1e-9;
    }
    return LengthPrediction.of(buckets, probabilities);
  }

  /** A source of requests; the predictor knows the typical length, the actual length varies. */
  private static final class World {
    private final Random random = new Random(11);
    private final double censoring;
    private final CalibratedPredictor predictor;
    double factor = 1;
    private int requests;

    World(IntFunction<LengthPrediction> raw, double censoring) {
      this.censoring = censoring;
      this.predictor =
          new CalibratedPredictor(
              new LengthPredictor() {
                @Override
                public CompletionStage<LengthPrediction> predict(LengthQuery query) {
                  return CompletableFuture.completedFuture(raw.apply(query.hintTokens()));
                }
              });
    }

    void run(int count) {
      for (int i = 0; i < count; i++) {
        one(0.5);
      }
    }

    double coverage(double p, int count) {
      int covered = 0;
      for (int i = 0; i < count; i++) {
        covered += one(p)[0] >= 0 ? 1 : 0;
      }
      return (double) covered / count;
    }

    double meanP90OverLength(int count) {
      double p90 = 0;
      double length = 0;
      for (int i = 0; i < count; i++) {
        int[] outcome = one(0.9);
        p90 += outcome[1];
        length += outcome[2];
      }
      return p90 / length;
    }

    /** Runs a request; returns the quantile minus the actual length, the quantile, the length. */
    private int[] one(double p) {
      int typical = (int) Math.exp(Math.log(20) + random.nextDouble() * Math.log(30));
      int actual =
          Math.min(
              MAX, (int) Math.max(1, factor * typical * Math.exp(0.3 * random.nextGaussian())));
      LengthQuery query = new LengthQuery(1 + requests++, null, null, typical, MAX);
      LengthPrediction prediction = predictor.predict(query).toCompletableFuture().join();
      int quantile = prediction.quantile(p);
      int limit =
          (int) (1 + 1.5 * factor * typical * random.nextDouble()); // independent of the answer
      boolean cut = random.nextDouble() < censoring && limit < actual;
      int seen = cut ? limit : actual;
      predictor.observe(new LengthFeedback(query, prediction, seen, cut));
      return new int[] {quantile - actual, quantile, actual};
    }
  }
}
