package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.TextModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class PromptSizerTest {
  @AfterAll
  static void close() {
    PromptSizer.closeIdle();
  }

  @Test
  void moreThreadsThanThePredictorTakes_areCutToThose() {
    try (PerExecutor<PromptSizer.Key, PromptSizer>.Lease sizer =
        PromptSizer.lease(ModelChoice.SMALL, 65)) {
      assertThat(sizer.thing().size("Count to 3", 0, 16).join().promptTokens()).isPositive();
    }
  }

  @Test
  void modelIsClosed_ifThereComesNoPredictor() {
    TextModel model = TextModel.load(SmallModel.unpack());

    assertThatThrownBy(
            () ->
                PromptSizer.open(
                    false,
                    model,
                    () -> {
                      throw new IllegalArgumentException("no predictor");
                    }))
        .hasMessage("no predictor");

    assertThatThrownBy(() -> model.encode("Hello")).hasMessage("the tokenizer is closed");
  }
}
