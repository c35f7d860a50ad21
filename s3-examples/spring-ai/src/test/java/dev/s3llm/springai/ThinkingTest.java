package dev.s3llm.springai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;

/** Thinking apart from the answer, on scripted answers of a template that knows thinking. */
class ThinkingTest {
  private static final String QUESTION = "How much is twice two?";

  private final TextGenerator generator = Generators.thinking();
  private final S3ChatModel model = S3ChatModel.builder(generator).build();

  @AfterEach
  void close() {
    generator.close();
  }

  @Test
  void thinking_isApartFromTheAnswer() {
    ChatResponse response = model.call(new Prompt(QUESTION));
    S3Usage usage = (S3Usage) response.getMetadata().getUsage().getNativeUsage();

    assertThat(response.getResult().getOutput().getText()).isEqualTo("4.");
    assertThat(response.getResult().getOutput().getMetadata())
        .containsEntry("reasoningContent", "Two and two.");
    assertThat(usage.reasoningTokens()).isPositive().isLessThan(usage.completionTokens());
  }

  @Test
  void thinkingSwitchedOff_leavesTheAnswerOnly() {
    ChatResponse response =
        model.call(new Prompt(QUESTION, S3ChatOptions.builder().thinking(false).build()));

    assertThat(response.getResult().getOutput().getText()).isEqualTo("4.");
    assertThat(response.getResult().getOutput().getMetadata())
        .doesNotContainKey("reasoningContent");
  }

  @Test
  void streamedThinking_comesInPiecesBeforeTheAnswerAndWholeAtTheEnd() {
    List<ChatResponse> responses = model.stream(new Prompt(QUESTION)).collectList().block();
    String events =
        responses.stream()
            .map(
                response ->
                    response.getResult().getMetadata().containsKey("thinking")
                        ? "(" + response.getResult().getMetadata().get("thinking") + ")"
                        : response.getResult().getOutput().getText())
            .collect(Collectors.joining());

    assertThat(events.replace(")(", "")).isEqualTo("(Two and two.)4.");
    assertThat(responses.get(responses.size() - 1).getResult().getOutput().getMetadata())
        .containsEntry("reasoningContent", "Two and two.");
  }

  @Test
  void thinkingOfEarlierAnswers_reachesTheTemplate() {
    ChatResponse first = model.call(new Prompt(QUESTION));
    String why =
        model.call(
            new UserMessage(QUESTION), first.getResult().getOutput(), new UserMessage("Why?"));

    assertThat(why).isEqualTo("It was two and two.");
  }
}
