package dev.s3llm.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.s3llm.text.TextGenerator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Thinking apart from the answer, on scripted answers of a template that knows thinking. */
class ThinkingTest {
  private final TextGenerator generator = Generators.thinking();

  @AfterEach
  void close() {
    generator.close();
  }

  @Test
  void thinking_isApartFromTheAnswer() {
    ChatResponse response = S3ChatModel.builder(generator).build().chat(request(builder()));
    S3ChatResponseMetadata metadata = (S3ChatResponseMetadata) response.metadata();

    assertThat(response.aiMessage().text()).isEqualTo("4.");
    assertThat(response.aiMessage().thinking()).isEqualTo("Two and two.");
    assertThat(metadata.reasoningTokens())
        .isPositive()
        .isLessThan(metadata.tokenUsage().outputTokenCount());
  }

  @Test
  void thinkingSwitchedOff_leavesTheAnswerOnly() {
    ChatResponse response =
        S3ChatModel.builder(generator).build().chat(request(builder().thinking(false)));

    assertThat(response.aiMessage().text()).isEqualTo("4.");
    assertThat(response.aiMessage().thinking()).isNull();
    assertThat(((S3ChatResponseMetadata) response.metadata()).reasoningTokens()).isZero();
  }

  @Test
  void streamedThinking_comesBeforeTheAnswer() throws Exception {
    StringBuilder events = new StringBuilder();
    CompletableFuture<ChatResponse> complete = new CompletableFuture<>();
    S3StreamingChatModel.builder(generator)
        .build()
        .chat(
            request(builder()),
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialThinking(PartialThinking piece) {
                events.append('(').append(piece.text()).append(')');
              }

              @Override
              public void onPartialResponse(String piece) {
                events.append(piece);
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                complete.complete(response);
              }

              @Override
              public void onError(Throwable failure) {
                complete.completeExceptionally(failure);
              }
            });

    complete.get(10, TimeUnit.SECONDS);
    assertThat(events.toString().replace(")(", "")).isEqualTo("(Two and two.)4.");
  }

  private static S3ChatRequestParameters.Builder builder() {
    return S3ChatRequestParameters.builder();
  }

  private static ChatRequest request(S3ChatRequestParameters.Builder parameters) {
    return ChatRequest.builder()
        .messages(UserMessage.from("How much is twice two?"))
        .parameters(parameters.build())
        .build();
  }
}
