package dev.s3llm.springai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.tool.ToolChoice;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.test.options.AbstractChatOptionsTests;

/** Spring AI's own tests of options, and more. */
class S3ChatOptionsTest extends AbstractChatOptionsTests<S3ChatOptions, S3ChatOptions.Builder> {
  @Override
  protected Class<S3ChatOptions> getConcreteOptionsClass() {
    return S3ChatOptions.class;
  }

  @Override
  protected S3ChatOptions.Builder readyToBuildBuilder() {
    return S3ChatOptions.builder()
        .temperature(0.5)
        .stopSequences(List.of("."))
        .outputSchema("{}")
        .minP(0.1)
        .repetitionPenalty(1.1)
        .seed(7L)
        .logitBias(Map.of(3, -1.0))
        .minTokens(2)
        .logProbabilities(1)
        .thinking(false)
        .thinkingBudget(9)
        .toolChoice(ToolChoice.required())
        .parallelToolCalls(false)
        .strictTools(true)
        .tenant("docs")
        .priority(2)
        .deadline(Duration.ofSeconds(5));
  }

  @Test
  void optionsOfARequest_replaceThoseOfTheModelOneByOne() {
    S3ChatOptions combined =
        readyToBuildBuilder()
            .combineWith(S3ChatOptions.builder().temperature(0.9).tenant("other").maxTokens(4))
            .build();

    assertThat(combined)
        .isEqualTo(readyToBuildBuilder().temperature(0.9).tenant("other").maxTokens(4).build())
        .isNotEqualTo(readyToBuildBuilder().build());
    assertThat(combined.getSeed()).isEqualTo(7);
    assertThat(combined.getDeadline()).isEqualTo(Duration.ofSeconds(5));
  }

  @Test
  void portableOptions_keepTheirValues() {
    ChatOptions portable =
        ToolCallingChatOptions.builder()
            .temperature(0.3)
            .topK(5)
            .toolContext("user", "ann")
            .maxTokens(6)
            .build();

    assertThat(S3ChatOptions.of(portable))
        .isEqualTo(
            S3ChatOptions.builder()
                .temperature(0.3)
                .topK(5)
                .toolContext("user", "ann")
                .maxTokens(6)
                .build());
  }

  @Test
  void copiedBuilder_leavesTheFirstAlone() {
    S3ChatOptions.Builder first = S3ChatOptions.builder().seed(1L);
    S3ChatOptions.Builder second = first.clone().seed(2L).tenant(null);

    assertThat(first.build().getSeed()).isEqualTo(1);
    assertThat(second.build().getSeed()).isEqualTo(2);
  }
}
