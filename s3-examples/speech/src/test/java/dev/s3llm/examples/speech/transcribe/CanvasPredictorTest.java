package dev.s3llm.examples.speech.transcribe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import org.junit.jupiter.api.Test;

class CanvasPredictorTest {
  private static final SpeechConfig CONFIG =
      new SpeechConfig(
          128, 4, 32, 512, 8, 4, 64, 32, 15, 1e-5f, 1e4, 1e4, 30, 0, 1, 2, 3, 300, 8, 4);
  private static final int LIMIT = 512;

  private final CanvasPredictor predictor = new CanvasPredictor(CONFIG);

  private static LengthQuery query(double estimate, Strategy strategy) {
    return CanvasPredictor.query(100, estimate, strategy, LIMIT);
  }

  private LengthPrediction predicted(LengthQuery query) {
    return predictor.predict(query).toCompletableFuture().join();
  }

  @Test
  void canvas_isPredictedOnTheRungsOfTheLadder() {
    LengthQuery query = query(40, Strategy.EASY_FIRST);
    int characters = predictor.open(query);

    LengthPrediction slots = predicted(query);

    assertThat(characters).isBetween(35, 45);
    assertThat(slots.quantile(0.5)).isEqualTo(64);
    assertThat(slots.survival(63) - slots.survival(64)).isGreaterThan(0.5);
    assertThat(slots.survival(33) - slots.survival(63)).isCloseTo(0, within(1e-9));
    assertThat(slots.maxTokens()).isEqualTo(LIMIT);
  }

  @Test
  void textWithoutACanvas_isPredictedAsItsTokens() {
    LengthQuery query = query(40, Strategy.LEFT_TO_RIGHT);
    predictor.open(query);

    assertThat(predicted(query).quantile(0.5)).isBetween(36, 46);
  }

  @Test
  void estimateThatIsTooLow_isCorrectedByTheTexts() {
    learnDoubles();
    LengthQuery query = query(50, Strategy.EASY_FIRST);

    assertThat(predictor.open(query)).isBetween(85, 115);
    assertThat(predicted(query).quantile(0.5)).isEqualTo(128);
  }

  @Test
  void waitingRecording_isPredictedAgainWithTheTextsSince() {
    LengthQuery waiting = query(50, Strategy.EASY_FIRST);
    int first = predictor.open(waiting);
    LengthPrediction before = predicted(waiting);
    learnDoubles();

    assertThat(first).isBetween(45, 55);
    assertThat(before.quantile(0.5)).isLessThanOrEqualTo(128);
    assertThat(predictor.refresh(waiting, before).survival(64)).isGreaterThan(0.9);
  }

  private void learnDoubles() {
    for (int i = 0; i < 300; i++) {
      LengthQuery query = query(46 + i % 8, Strategy.EASY_FIRST);
      int unused = predictor.open(query);
      predictor.learn(query, 2 * (46 + i % 8));
    }
  }

  @Test
  void fourTextsOfFive_fitTheSmallestCanvasThatIsPredicted() {
    LengthQuery near = query(58, Strategy.EASY_FIRST); // the canvas of 64 ends at 60
    predictor.open(near);

    assertThat(predicted(near).survival(127)).isEqualTo(1);
  }

  @Test
  void estimateBeyondTheLimit_isCutOffThere() {
    LengthQuery query = query(5000, Strategy.EASY_FIRST);
    predictor.open(query);

    assertThat(query.hintTokens()).isEqualTo(LIMIT);
    assertThat(predicted(query).maxTokens()).isEqualTo(LIMIT);
  }
}
