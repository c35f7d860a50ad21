package dev.s3llm.langchain4j;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.text.TextGenerator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class S3ChatBuilderTest {
  private final TextGenerator generator = Generators.scripted();

  @AfterEach
  void close() {
    generator.close();
  }

  @Test
  void secondCall_isRefusedAndNamesTheEarlierValue() {
    S3ChatBuilder<S3ChatModel> builder =
        S3ChatModel.builder(generator)
            .modelName("first")
            .defaultRequestParameters(S3ChatRequestParameters.builder().seed(7).build())
            .listeners(List.of());

    assertThatThrownBy(() -> builder.modelName("second"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("modelName was already set to first");
    assertThatThrownBy(
            () -> builder.defaultRequestParameters(S3ChatRequestParameters.builder().build()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("seed=7");
    assertThatThrownBy(() -> builder.listeners(List.of()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void null_isRefusedByName() {
    assertThatThrownBy(() -> S3ChatModel.builder(null)).hasMessage("generator");
    assertThatThrownBy(() -> S3ChatModel.builder(generator).modelName(null))
        .hasMessage("modelName");
    assertThatThrownBy(() -> S3ChatModel.builder(generator).defaultRequestParameters(null))
        .hasMessage("defaultRequestParameters");
    assertThatThrownBy(() -> S3ChatModel.builder(generator).listeners(null))
        .hasMessage("listeners");
    assertThatThrownBy(() -> S3ChatRequestParameters.builder().tenant(null)).hasMessage("tenant");
    assertThatThrownBy(() -> S3ChatRequestParameters.builder().deadline(null))
        .hasMessage("deadline");
  }
}
