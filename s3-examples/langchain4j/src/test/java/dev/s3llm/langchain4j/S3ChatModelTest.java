package dev.s3llm.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.AudioContent;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.text.TextRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Behaviour that LangChain4j's own tests do not cover, mostly on the embedded model. */
class S3ChatModelTest extends GeneratorFixture {

  @Test
  void answer_isThatOfTheGenerator() {
    String question = "What is a monad?";
    ChatResponse response =
        model().chat(request(question, S3ChatRequestParameters.builder().maxOutputTokens(20)));

    assertThat(response.aiMessage().text())
        .isEqualTo(
            generator
                .submit(
                    TextRequest.builder()
                        .messages(dev.s3llm.text.ChatMessage.user(question))
                        .maxNewTokens(20)
                        .build())
                .result()
                .join()
                .text());
  }

  @Test
  void metadata_saysHowTheAnswerWasScheduled() {
    S3ChatResponseMetadata metadata =
        (S3ChatResponseMetadata)
            model().chat(request("Hi", S3ChatRequestParameters.builder())).metadata();

    assertThat(metadata.scheduling().predictedTokens()).isPositive();
    assertThat(metadata.scheduling().reservedTokens())
        .isGreaterThanOrEqualTo(metadata.tokenUsage().inputTokenCount());
    assertThat(metadata.scheduling().firstToken()).isGreaterThan(metadata.scheduling().queued());
    assertThat(metadata.toBuilder().build()).isEqualTo(metadata).hasSameHashCodeAs(metadata);
    assertThat(metadata.toBuilder().id("other").build()).isNotEqualTo(metadata);
  }

  @Test
  void sameSeed_givesTheSameAnswerAndAnotherSeedAnother() {
    assertThat(sampled(1)).isEqualTo(sampled(1)).isNotEqualTo(sampled(2));
  }

  private String sampled(long seed) {
    return model()
        .chat(
            request(
                "Tell me a story",
                S3ChatRequestParameters.builder().temperature(1.5).maxOutputTokens(20).seed(seed)))
        .aiMessage()
        .text();
  }

  @Test
  void leastLength_keepsTheAnswerGoing() {
    String question = "What is a monad?";
    ChatResponse ended = model().chat(request(question, S3ChatRequestParameters.builder()));
    int least = ended.tokenUsage().outputTokenCount() + 9;
    ChatResponse longer =
        model()
            .chat(
                request(
                    question,
                    S3ChatRequestParameters.builder().minTokens(least).maxOutputTokens(least + 9)));
    assertThat(ended.finishReason()).isEqualTo(FinishReason.STOP);
    S3ChatRequestParameters.Builder above =
        S3ChatRequestParameters.builder().minTokens(9).maxOutputTokens(8);
    assertThatThrownBy(() -> model().chat(request("Hi", above)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("minTokens");
    assertThat(longer.tokenUsage().outputTokenCount()).isGreaterThanOrEqualTo(least);
    assertThat(longer.aiMessage().text()).startsWith(ended.aiMessage().text());
  }

  @Test
  void parametersOfTheEngine_surviveDefaults() {
    ChatRequestParameters defaults =
        S3ChatRequestParameters.builder().tenant("a").minTokens(2).seed(3).topK(5).build();
    ChatRequestParameters own = ChatRequestParameters.builder().temperature(0.5).build();

    assertThat(defaults.overrideWith(own))
        .isEqualTo(own.defaultedBy(defaults))
        .isEqualTo(
            S3ChatRequestParameters.builder()
                .tenant("a")
                .minTokens(2)
                .seed(3)
                .topK(5)
                .temperature(0.5)
                .build());
  }

  @Test
  void deadline_becomesATimeout() {
    assertThatThrownBy(
            () ->
                model()
                    .chat(
                        request(
                            "Hi", S3ChatRequestParameters.builder().deadline(Duration.ofNanos(1)))))
        .isInstanceOf(TimeoutException.class)
        .hasMessageContaining("deadline");
  }

  @Test
  void fullQueue_isARateLimit() {
    CompletableFuture<Void> gate = useGate(1);
    CompletableFuture<ChatResponse> first = model().chatAsync(UserMessage.from("hello"));

    assertThatThrownBy(() -> model().chat("hi"))
        .isInstanceOf(RateLimitException.class)
        .hasCauseInstanceOf(QueueFullException.class);
    gate.complete(null);
    assertThat(first.join().aiMessage().text()).startsWith("Hello!");
  }

  @Test
  void tooLongARequest_isInvalid() {
    assertThatThrownBy(() -> model().chat("monad ".repeat(2000)))
        .isInstanceOf(InvalidRequestException.class)
        .hasCauseInstanceOf(NeverFitsException.class);
  }

  @Test
  void parametersOutOfRange_areInvalid() {
    for (S3ChatRequestParameters.Builder bad :
        List.of(
            S3ChatRequestParameters.builder().temperature(-1.0),
            S3ChatRequestParameters.builder().topP(0.0),
            S3ChatRequestParameters.builder().topK(-1),
            S3ChatRequestParameters.builder().maxOutputTokens(0),
            S3ChatRequestParameters.builder().stopSequences(""),
            S3ChatRequestParameters.builder().minTokens(-1),
            S3ChatRequestParameters.builder().frequencyPenalty(2.5),
            S3ChatRequestParameters.builder().presencePenalty(-2.5),
            S3ChatRequestParameters.builder().thinkingBudget(-1),
            S3ChatRequestParameters.builder().tenant("\n"))) {
      assertThatThrownBy(() -> model().chat(request("Hi", bad)))
          .isInstanceOf(InvalidRequestException.class);
      assertThatThrownBy(
              () -> S3ChatModel.builder(generator).defaultRequestParameters(bad.build()).build())
          .isInstanceOf(InvalidRequestException.class);
    }
  }

  @Test
  void whatIsNotThere_isUnsupported() {
    for (UserMessage message :
        List.of(
            UserMessage.from(ImageContent.from("https://example.com/cat.png")),
            UserMessage.from(TextContent.from("Hi"), AudioContent.from("aGk=", "audio/wav")))) {
      assertThatThrownBy(() -> model().chat(message))
          .isInstanceOf(UnsupportedFeatureException.class);
    }
  }

  @Test
  void penalties_areThoseOfTheGenerator() {
    String question = "Tell me a story";
    String plain = text(request(question, S3ChatRequestParameters.builder().maxOutputTokens(30)));
    String penalized =
        text(
            request(
                question,
                S3ChatRequestParameters.builder()
                    .maxOutputTokens(30)
                    .presencePenalty(1.5)
                    .frequencyPenalty(0.5)));
    SamplingParameters sampling = new SamplingParameters(0, 0, 1, 1, 0).withPenalties(1.5, 0.5);
    TextRequest own =
        TextRequest.builder()
            .messages(dev.s3llm.text.ChatMessage.user(question))
            .maxNewTokens(30)
            .configure(tokens -> tokens.sampling(sampling))
            .build();

    assertThat(penalized)
        .isEqualTo(generator.submit(own).result().join().text())
        .isNotEqualTo(plain);
  }

  @Test
  void schemaThatCannotBeKept_isInvalidAndNamesTheKeyword() {
    ChatRequest request =
        ChatRequest.builder()
            .messages(UserMessage.from("Hi"))
            .responseFormat(
                ResponseFormat.builder()
                    .type(ResponseFormatType.JSON)
                    .jsonSchema(
                        JsonSchema.builder()
                            .name("Numbers")
                            .rootElement(
                                JsonRawSchema.from("{\"type\": \"array\", \"uniqueItems\": true}"))
                            .build())
                    .build())
            .build();

    assertThatThrownBy(() -> model().chat(request))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("uniqueItems");
  }

  @Test
  void brokenArgumentsInTheHistory_areInvalid() {
    AiMessage call =
        AiMessage.from(
            ToolExecutionRequest.builder().id("1").name("add").arguments("{\"a\":").build());

    assertThatThrownBy(() -> model().chat(call, ToolExecutionResultMessage.from("1", "add", "2")))
        .isInstanceOf(InvalidRequestException.class);
  }

  @Test
  void itsOwnName_mayBeGiven() {
    ChatResponse response =
        model()
            .chat(
                request(
                    "Hi", S3ChatRequestParameters.builder().modelName("s3").maxOutputTokens(1)));

    assertThat(response.metadata().modelName()).isEqualTo("s3");
  }

  @Test
  void cancelledFuture_cancelsTheGeneration() {
    useScript(Duration.ofMillis(20));
    CompletableFuture<ChatResponse> response =
        model().chatAsync(UserMessage.from("Tell me a long story"));
    response.cancel(true);

    await().until(() -> generator.engine().snapshot().requests().ended().cancelled() == 1);
  }

  @Test
  void interruptedCaller_cancelsTheGeneration() throws InterruptedException {
    useScript(Duration.ofMillis(20));
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                model().chat("Tell me a long story");
              } catch (RuntimeException e) {
                interrupted.complete(Thread.currentThread().isInterrupted());
              }
            });
    caller.start();
    await().until(() -> generator.engine().snapshot().requests().running() == 1);
    caller.interrupt();
    caller.join();

    assertThat(interrupted.join()).isTrue();
    await().until(() -> generator.engine().snapshot().requests().ended().cancelled() == 1);
  }

  @Test
  void closedEngine_isNoUseToRetry() {
    S3ChatModel model = model();
    generator.close();

    assertThatThrownBy(() -> model.chat("Hi")).isInstanceOf(NonRetriableException.class);
  }

  @Test
  void engineClosedMeanwhile_endsTheAnswerWithAnException() {
    useScript(Duration.ofMillis(20));
    CompletableFuture<ChatResponse> response =
        model().chatAsync(UserMessage.from("Tell me a long story"));
    generator.engine().closeNow();

    assertThatThrownBy(response::join).hasCauseInstanceOf(NonRetriableException.class);
  }

  @Test
  void conversation_reachesTheTemplateInOrder() {
    useScript(Duration.ZERO);
    assertThat(
            model()
                .chat(
                    SystemMessage.from("Be brief."),
                    UserMessage.from("Hi, my favorite color is green"),
                    AiMessage.from("Hi, nice to meet you"),
                    UserMessage.from("What is my favorite color?"))
                .aiMessage()
                .text())
        .isEqualTo("Your favorite color is green.");
  }

  private String text(ChatRequest request) {
    return model().chat(request).aiMessage().text();
  }

  private S3ChatModel model() {
    return S3ChatModel.builder(generator).build();
  }

  private static ChatRequest request(String text, S3ChatRequestParameters.Builder parameters) {
    return ChatRequest.builder()
        .messages(UserMessage.from(text))
        .parameters(parameters.build())
        .build();
  }
}
