package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The tests that every {@link LengthPredictor} must pass. A subclass creates the predictor under
 * test.
 */
public abstract class LengthPredictorContract {
  private static final long HANGS_AFTER_SECONDS = 60;

  private LengthPredictor predictor;

  /** Creates the contract. */
  protected LengthPredictorContract() {}

  /** Returns a new predictor; the contract closes it. */
  protected abstract LengthPredictor create();

  /** Creates the predictor under test. */
  @BeforeEach
  public final void open() {
    predictor = create();
  }

  /** Closes the predictor under test. */
  @AfterEach
  public final void close() {
    predictor.close();
  }

  /** A prediction never exceeds the output limit of the query. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 100, 1 << 20, Integer.MAX_VALUE})
  public void prediction_staysWithinTheLimit(int maxNewTokens) throws Exception {
    LengthPrediction prediction = answer(new LengthQuery(10, "Hello", "chat", 0, maxNewTokens));

    assertThat(prediction.maxTokens()).isBetween(1, maxNewTokens);
  }

  /** Prompt text, key and hint are optional. */
  @Test
  public void missingOptions_areAccepted() throws Exception {
    assertThat(answer(new LengthQuery(1, null, null, 0, 64))).isNotNull();
  }

  /** Any prompt text and key is accepted, because both can come from users. */
  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\0\n", "\uD800", "\u202E\uFEFF", "x"})
  public void strangeText_isAccepted(String text) throws Exception {
    String prompt = text.repeat(2000);
    assertThat(answer(new LengthQuery(Integer.MAX_VALUE, prompt, text, 0, 64))).isNotNull();
  }

  /** A hint above the output limit is accepted. */
  @Test
  public void hintAboveTheLimit_isAccepted() throws Exception {
    assertThat(answer(new LengthQuery(1, "x", "k", Integer.MAX_VALUE, 64)).maxTokens())
        .isBetween(1, 64);
  }

  /** A predictor still predicts after feedback of any kind. */
  @Test
  public void anyFeedback_leavesItAnswering() throws Exception {
    for (int actual : new int[] {1, 63, 64, 65, Integer.MAX_VALUE}) {
      for (boolean censored : new boolean[] {false, true}) {
        LengthQuery query = new LengthQuery(5, actual % 2 == 0 ? null : "x", "k", 0, actual);
        predictor.observe(
            new LengthFeedback(query, LengthPrediction.uniform(64), actual, censored));
      }
    }

    assertThat(answer(new LengthQuery(5, "x", "k", 0, 64)).maxTokens()).isBetween(1, 64);
  }

  /** A second close has no effect. */
  @Test
  public void closing_isIdempotent() {
    predictor.close();

    assertThatCode(predictor::close).doesNotThrowAnyException();
  }

  private LengthPrediction answer(LengthQuery query) throws Exception {
    return predictor
        .predict(query)
        .toCompletableFuture()
        .get(HANGS_AFTER_SECONDS, TimeUnit.SECONDS);
  }
}
