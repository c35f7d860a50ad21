package dev.s3llm.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.GenerationResult;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.support.ToolCallbacks;
import org.springframework.util.MimeTypeUtils;

class S3ChatModelTest {
  private static final String QUESTION = "Name three colours of the rainbow.";
  private static final TextGenerator GENERATOR = Generators.embedded();
  private static final S3ChatModel MODEL =
      S3ChatModel.builder(GENERATOR)
          .modelName("small")
          .options(S3ChatOptions.builder().maxTokens(12).build())
          .build();

  @AfterAll
  static void close() {
    GENERATOR.close();
  }

  @Test
  void answer_isThatOfTheGenerator() {
    TextRequest request =
        TextRequest.builder().messages(ChatMessage.user(QUESTION)).maxNewTokens(12).build();
    TextResult expected = GENERATOR.submit(request).result().join();

    assertThat(MODEL.call(QUESTION)).isEqualTo(expected.text());
  }

  @Test
  void metadata_saysLengthsAndHowTheAnswerWasScheduled() {
    ChatResponse response = MODEL.call(new Prompt(QUESTION));
    GenerationResult result = response.getMetadata().get("generation");

    assertThat(response.getMetadata().getModel()).isEqualTo("small");
    assertThat(response.getMetadata().getId()).isEqualTo(result.id());
    assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("LENGTH");
    assertThat(response.getMetadata().getUsage().getPromptTokens())
        .isEqualTo(result.promptTokens());
    assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(12);
    assertThat(response.getMetadata().getUsage().getTotalTokens())
        .isEqualTo(result.promptTokens() + 12);
    assertThat(response.getMetadata().getUsage().getNativeUsage())
        .isEqualTo(new S3Usage(result.promptTokens(), result.cachedTokens(), 12, 0));
  }

  @Test
  void portableOptions_areKept() {
    ChatResponse response =
        MODEL.call(new Prompt(QUESTION, ChatOptions.builder().maxTokens(3).build()));

    assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(3);
  }

  @Test
  void stopSequence_endsTheAnswer() {
    String whole = MODEL.call(QUESTION);
    String middle = whole.substring(whole.length() / 2, whole.length() / 2 + 2);
    ChatResponse response = call(options -> options.maxTokens(12).stopSequences(List.of(middle)));

    assertThat(text(response)).isEqualTo(whole.substring(0, whole.indexOf(middle)));
    assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
  }

  @Test
  void sameSeed_givesTheSameAnswerAndAnotherSeedAnother() {
    UnaryOperator<S3ChatOptions.Builder> free = options -> options.maxTokens(20).temperature(5.0);
    String one = text(call(options -> free.apply(options).seed(1L)));

    assertThat(text(call(options -> free.apply(options).seed(1L)))).isEqualTo(one);
    assertThat(text(call(options -> free.apply(options).seed(2L)))).isNotEqualTo(one);
  }

  @Test
  void logProbabilities_areInTheMetadataOfTheGeneration() {
    ChatResponse response = call(options -> options.maxTokens(4).logProbabilities(2));
    List<GenerationResult.TokenScores> scores = response.getResult().getMetadata().get("logprobs");

    assertThat(scores).hasSize(4);
    assertThat(scores.get(0).logProbability()).isNegative();
    assertThat(scores.get(0).alternatives()).hasSize(2);
  }

  static Stream<Arguments> badOptions() {
    return Stream.of(
        bad("temperature", options -> options.temperature(-1.0)),
        bad("topP", options -> options.topP(0.0)),
        bad("topK", options -> options.topK(-1)),
        bad("maxTokens", options -> options.maxTokens(0)),
        bad("presencePenalty", options -> options.presencePenalty(3.0)),
        bad("frequencyPenalty", options -> options.frequencyPenalty(-3.0)),
        bad("stop string", options -> options.stopSequences(List.of(""))),
        bad("minP", options -> options.minP(2.0)),
        bad("repetitionPenalty", options -> options.repetitionPenalty(0.0)),
        bad("logitBias", options -> options.logitBias(Map.of(1, 200.0))),
        bad("minTokens", options -> options.minTokens(-1)),
        bad("logProbabilities", options -> options.logProbabilities(-1)),
        bad("thinkingBudget", options -> options.thinkingBudget(-1)),
        bad("tenant", options -> options.tenant("")),
        bad("deadline", options -> options.deadline(Duration.ZERO)),
        bad("model", options -> options.model("gpt-4")),
        bad("minLength", options -> options.outputSchema("{\"type\":\"string\",\"minLength\":-1}")),
        bad("JSON", options -> options.outputSchema("no schema")));
  }

  private static Arguments bad(String named, UnaryOperator<S3ChatOptions.Builder> set) {
    return Arguments.of(named, set);
  }

  @ParameterizedTest
  @MethodSource("badOptions")
  void badOption_isNamed(String named, UnaryOperator<S3ChatOptions.Builder> set) {
    assertThatThrownBy(() -> call(set))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
    assertThatThrownBy(() -> MODEL.stream(prompt(set)).blockLast())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
  }

  @Test
  void badDefault_isNamedWhenTheModelIsBuilt() {
    S3ChatModel.Builder builder =
        S3ChatModel.builder(GENERATOR).options(S3ChatOptions.builder().topP(7.0).build());

    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("topP");
  }

  @Test
  void media_areRefusedWithTheMessage() {
    UserMessage picture =
        UserMessage.builder()
            .text("What is this?")
            .media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("file:picture.png")))
            .build();

    assertThatThrownBy(() -> MODEL.call(new Prompt(picture)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("message 0 has media");
  }

  @Test
  void deadline_endsTheAnswer() {
    assertThatThrownBy(() -> call(options -> options.deadline(Duration.ofNanos(1))))
        .isInstanceOfSatisfying(
            AnswerEndedException.class, e -> assertThat(e.reason()).isEqualTo(FinishReason.TIMEOUT))
        .hasMessageContaining("deadline");
  }

  @Test
  void refusals_areThoseOfTheEngine() {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    try (TextGenerator full = Generators.gated(gate, 1)) {
      S3ChatModel model = S3ChatModel.builder(full).build();
      CompletableFuture<ChatResponse> first = new CompletableFuture<>();
      model.stream(new Prompt("Name three colours.")).subscribe(first::complete);

      assertThatThrownBy(() -> model.call("Name three colours."))
          .isInstanceOfSatisfying(
              QueueFullException.class, e -> assertThat(e.retriable()).isTrue());
      gate.complete(null);
      assertThat(first.join().getResult()).isNotNull();
    }
  }

  @Test
  void closedEngine_refusesRequests() {
    TextGenerator generator = Generators.scripted();
    S3ChatModel model = S3ChatModel.builder(generator).build();
    generator.close();

    assertThatThrownBy(() -> model.call("Name three colours."))
        .isInstanceOf(RequestRefusedException.class);
  }

  @Test
  void interruptedCaller_cancelsTheRequest() throws InterruptedException {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    try (TextGenerator generator = Generators.gated(gate, 2)) {
      S3ChatModel model = S3ChatModel.builder(generator).build();
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread caller =
          new Thread(
              () -> {
                try {
                  model.call("Tell me a long story");
                } catch (AnswerEndedException e) {
                  thrown.set(e);
                }
              });
      caller.start();
      await().until(() -> generator.engine().snapshot().requests().running() == 1);
      caller.interrupt();
      caller.join();
      gate.complete(null);

      assertThat(thrown.get()).isInstanceOf(AnswerEndedException.class);
      await().until(() -> generator.engine().snapshot().requests().ended().cancelled() == 1);
    }
  }

  @Test
  void callsOfTools_areRunByTheApplicationWithAManager() {
    try (TextGenerator generator = Generators.scripted()) {
      S3ChatModel model = S3ChatModel.builder(generator).build();
      Atlas atlas = new Atlas();
      S3ChatOptions options =
          S3ChatOptions.builder()
              .toolCallbacks(ToolCallbacks.from(atlas))
              .strictTools(true)
              .build();
      ToolCallingManager manager = ToolCallingManager.builder().build();
      Prompt prompt = new Prompt("How warm is it in the capital of France?", options);
      ChatResponse response = model.call(prompt);
      assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("TOOL_CALLS");
      while (response.hasToolCalls()) {
        prompt =
            new Prompt(manager.executeToolCalls(prompt, response).conversationHistory(), options);
        response = model.call(prompt);
      }

      assertThat(text(response)).isEqualTo("It is 20 degrees in Paris.");
      assertThat(atlas.calls).containsExactly("capital France", "temperature Paris");
    }
  }

  @Test
  void brokenArgumentsInTheHistory_areNamed() {
    AssistantMessage broken =
        AssistantMessage.builder()
            .toolCalls(
                List.of(new AssistantMessage.ToolCall("1", "function", "capital", "{broken")))
            .build();

    assertThatThrownBy(() -> MODEL.call(new UserMessage("?"), broken))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("JSON");
  }

  private static ChatResponse call(UnaryOperator<S3ChatOptions.Builder> set) {
    return MODEL.call(prompt(set));
  }

  private static Prompt prompt(UnaryOperator<S3ChatOptions.Builder> set) {
    return new Prompt(QUESTION, set.apply(S3ChatOptions.builder()).build());
  }

  private static String text(ChatResponse response) {
    return Objects.requireNonNull(response.getResult().getOutput().getText());
  }
}
