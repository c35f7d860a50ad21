package dev.s3llm.engine.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class PredictionMonitorTest {
  private static final LengthQuery QUERY = new LengthQuery(5, null, null, 0, 100);

  private final PredictionMonitor monitor = new PredictionMonitor();
  private final Recording predictor = new Recording();
  private final Recording fallback = new Recording();

  @Test
  void beforeTheFirstAnswer_nothingIsKnown() {
    assertThat(monitor.coverageOfP90()).isNaN();
    assertThat(monitor.meanAbsoluteErrorTokens()).isNaN();
  }

  @Test
  void coverageAndError_areMeasured() {
    observe(LengthPrediction.exactly(10), 10, false); // covered
    observe(LengthPrediction.exactly(10), 14, false); // not covered
    observe(LengthPrediction.uniform(100), 90, false); // covered: the 90th of 100

    assertThat(monitor.observed()).isEqualTo(3);
    assertThat(monitor.coverageOfP90()).isCloseTo(2.0 / 3, offset(1e-9));
    assertThat(monitor.meanAbsoluteErrorTokens()).isCloseTo((0 + 4 + 40) / 3.0, offset(1e-9));
  }

  @Test
  void cutOffAnswers_areFedBackButNotJudged() {
    observe(LengthPrediction.exactly(50), 3, true);

    assertThat(monitor.observed()).isZero();
    assertThat(predictor.seen).hasSize(1);
    assertThat(fallback.seen).hasSize(1);
  }

  @Test
  void predictorThatThrows_isCountedAndTheFallbackStillLearns() {
    predictor.throwing = true;
    observe(LengthPrediction.exactly(50), 3, false);

    assertThat(monitor.feedbackFailures()).isEqualTo(1);
    assertThat(fallback.seen).hasSize(1);
  }

  @Test
  void drift_isToldWhenItBeginsAndWhenItEnds() {
    int begins = -1;
    int ends = -1;
    for (int i = 0; i < 3_000; i++) {
      boolean miss = i >= 1_000 && i < 1_500 ? i % 2 == 0 : i % 10 == 0;
      observe(LengthPrediction.exactly(10), miss ? 99 : 9, false);
      if (monitor.driftChanged()) {
        if (monitor.drifting()) {
          begins = i;
        } else {
          ends = i;
        }
      }
    }
    assertThat(begins).isBetween(1_010, 1_150);
    assertThat(ends).isBetween(1_510, 2_200);
  }

  private void observe(LengthPrediction prediction, int actual, boolean censored) {
    LengthFeedback feedback = new LengthFeedback(QUERY, prediction, actual, censored);
    monitor.observe(feedback, List.of(feedback), new GuardedPredictor(predictor, 0), fallback);
  }

  private static final class Recording implements LengthPredictor {
    final List<LengthFeedback> seen = new ArrayList<>();
    boolean throwing;

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(LengthPrediction.uniform(query.maxNewTokens()));
    }

    @Override
    public void observe(LengthFeedback feedback) {
      if (throwing) {
        throw new IllegalStateException("planted");
      }
      seen.add(feedback);
    }

    @Override
    public void close() {}
  }
}
