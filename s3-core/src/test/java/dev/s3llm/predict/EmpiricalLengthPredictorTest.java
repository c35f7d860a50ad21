package dev.s3llm.predict;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.testkit.LengthPredictorContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class EmpiricalLengthPredictorTest extends LengthPredictorContract {
  private static final int LIMIT = 4096;

  private final EmpiricalLengthPredictor predictor = new EmpiricalLengthPredictor();
  private int observed;

  @Override
  protected LengthPredictor create() {
    return new EmpiricalLengthPredictor();
  }

  @Test
  void newPredictor_predictsManyMagnitudes() {
    assertThat(predict(null).quantile(0.5)).isBetween(330, 370);
    assertThat(predict(null).survival(70)).isBetween(0.93, 0.98);
    assertThat(predict(null).survival(3500)).isBetween(0.008, 0.012);
  }

  @Test
  void lengthsBeyondAllAnswers_fadeToOneInAllAnswers() {
    for (int answers = 1; answers <= 2048; answers *= 2) {
      while (observed < answers) {
        learn(null, 40, false);
      }
      double beyond = predict(null).survival(60) * answers;
      assertThat(beyond).as("after %s answers", answers).isBetween(0.3, 8.0);
    }
    assertThat(predict(null).survival(60) * 2048).isLessThan(2);
  }

  @Test
  void outputLimit_hardlyChangesTheExpectationOnceAnswersAreKnown() {
    Random random = new Random(7);
    for (int i = 0; i < 4000; i++) {
      learn(null, 1 + (int) Math.min(2000, 100 * Math.exp(random.nextGaussian())), false);
    }
    double mean = predictor.predictNow(query(null, 2_048)).mean();

    for (int limit : new int[] {8_192, 15_000, 1 << 17}) {
      assertThat(predictor.predictNow(query(null, limit)).mean() / mean)
          .as("limit %s", limit)
          .isBetween(1.0, 1.02);
    }
  }

  @Test
  void rareLongAnswers_keepTheirWeight() {
    for (int i = 0; i < 3000; i++) {
      learn(null, i % 100 == 99 ? 3_000 : 50, false);
    }

    assertThat(predict(null).survival(2_000)).isBetween(0.009, 0.012);
    assertThat(predict(null).given(100).quantile(0.5)).isBetween(2_500, 3_500);
  }

  @Test
  void key_isLearned() {
    for (int i = 0; i < 300; i++) {
      learn("short", 20, false);
      learn("long", 900, false);
    }

    assertThat(predict("short").quantile(0.5)).isBetween(17, 23);
    assertThat(predict("long").quantile(0.5)).isBetween(780, 1020);
    assertThat(predict("short").quantile(0.9)).isLessThan(100);
  }

  @Test
  void unknownKey_getsTheOverallDistribution() {
    for (int i = 0; i < 300; i++) {
      learn("known", 50, false);
    }

    assertThat(predict("unknown")).isEqualTo(predict(null));
    assertThat(predict("unknown").quantile(0.5)).isBetween(42, 58);
  }

  @Test
  void drift_isFollowed() {
    for (int i = 0; i < 10_000; i++) {
      learn("k", 20, false);
    }
    for (int i = 0; i < 4_000; i++) {
      learn("k", 900, false);
    }

    assertThat(predict("k").quantile(0.5)).isBetween(780, 1020);
  }

  @Test
  void censoredLengths_moveOnlyToTheRight() {
    for (int i = 0; i < 100; i++) {
      learn("k", 50, false);
    }
    double longer = predict("k").survival(500);
    double shorter = 1 - predict("k").survival(10);
    for (int i = 0; i < 100; i++) {
      learn("k", 400, true);
    }

    assertThat(predict("k").survival(500)).isGreaterThan(longer + 0.1);
    assertThat(1 - predict("k").survival(10)).isLessThan(shorter);
  }

  @Test
  void censoredLengths_followTheKnownDistribution() {
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      int length = random.nextBoolean() ? 100 : 1000;
      learn("k", Math.min(length, 600), length > 600); // cut off at 600
      learn(null, length, false); // other requests show the longer lengths
    }

    assertThat(predict("k").survival(600)).isBetween(0.4, 0.6);
    assertThat(predict("k").quantile(0.9)).isBetween(800, 1200);
  }

  @Test
  void keys_areBounded() {
    for (int i = 0; i < 50; i++) {
      learn("first", 10, false);
    }
    assertThat(predict("first")).isNotEqualTo(predict(null));
    for (int i = 0; i < 1024; i++) {
      learn("key " + i, 900, false);
    }

    assertThat(predict("first")).isEqualTo(predict(null));
    assertThat(predict("key 0")).isNotEqualTo(predict(null));
  }

  @Test
  void keyInUse_isKept() {
    for (int i = 0; i < 2000; i++) {
      learn("key " + i, 900, false);
      learn("used", 10, false);
    }

    assertThat(predict("used").quantile(0.5)).isBetween(9, 11);
  }

  @Test
  void threads_mayShareIt() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int thread = t;
        all.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 1000; i++) {
                    observe("key " + (thread * 1000 + i), 64, false);
                    assertThat(predict("key " + i).maxTokens()).isEqualTo(LIMIT);
                  }
                }));
      }
      for (Future<?> one : all) {
        one.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }

    assertThat(predict(null).quantile(0.5)).isBetween(54, 74);
  }

  private void learn(String key, int actual, boolean censored) {
    observed++;
    observe(key, actual, censored);
  }

  private void observe(String key, int actual, boolean censored) {
    predictor.observe(
        new LengthFeedback(query(key, LIMIT), LengthPrediction.uniform(9), actual, censored));
  }

  private LengthPrediction predict(String key) {
    return predictor.predictNow(query(key, LIMIT));
  }

  private static LengthQuery query(String key, int limit) {
    return new LengthQuery(10, null, key, 0, limit);
  }
}
