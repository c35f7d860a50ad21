package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.TokenStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** LangChain4j's client of OpenAI's protocol. */
class LangChain4jClientTest {
  private static final String QUESTION = "How warm is it in Rome, in Fahrenheit?";

  private final Thermometer thermometer = new Thermometer();

  /** Two tools, the second of which needs the result of the first. Records the calls. */
  static final class Thermometer {
    final List<String> calls = new CopyOnWriteArrayList<>();

    @Tool("Returns the temperature in a city.")
    String weather(@P("name of the city") String city) {
      calls.add("weather in " + city);
      return "21 C";
    }

    @Tool("Converts a temperature to Fahrenheit.")
    String convert(@P("degrees Celsius") int celsius) {
      calls.add("convert " + celsius);
      return "69.8 F";
    }
  }

  enum Size {
    TALL,
    SMALL
  }

  record Person(Size size, boolean old) {}

  record Warmth(String city, int celsius) {}

  interface Assistant {
    Result<String> answer(String question);

    Warmth warmth(String question);

    Person person(String question);
  }

  interface StreamingAssistant {
    TokenStream answer(String question);
  }

  private static OpenAiChatModel.OpenAiChatModelBuilder model(TestServer server) {
    return OpenAiChatModel.builder()
        .baseUrl(server.url() + "/v1")
        .apiKey("any")
        .modelName("s3-small")
        .supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA)
        .strictJsonSchema(true)
        .timeout(TestServer.LIMIT)
        .maxRetries(0);
  }

  private Assistant agent() {
    return AiServices.builder(Assistant.class)
        .chatModel(model(TestServer.scripted()).build())
        .tools(thermometer)
        .build();
  }

  private static Assistant plain(OpenAiChatModel model) {
    return AiServices.create(Assistant.class, model);
  }

  @Test
  void twoTools_areCalledOneAfterTheOther() {
    Result<String> result = agent().answer(QUESTION);

    assertThat(result.content()).isEqualTo(ScriptedExecutor.FINAL);
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(thermometer.calls).containsExactly("weather in Rome", "convert 21");
    assertThat(result.intermediateResponses())
        .extracting(ChatResponse::finishReason)
        .containsExactly(FinishReason.TOOL_EXECUTION, FinishReason.TOOL_EXECUTION);
    assertThat(result.tokenUsage().outputTokenCount()).isPositive();
  }

  @Test
  void twoTools_areCalledWhileTheAnswerStreams() throws Exception {
    List<String> pieces = new CopyOnWriteArrayList<>();
    ChatResponse last = stream(QUESTION, pieces);

    assertThat(pieces).hasSizeGreaterThan(1);
    assertThat(String.join("", pieces)).isEqualTo(ScriptedExecutor.FINAL);
    assertThat(last.aiMessage().text()).isEqualTo(ScriptedExecutor.FINAL);
    assertThat(last.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(last.tokenUsage().outputTokenCount()).isPositive();
    assertThat(thermometer.calls).containsExactly("weather in Rome", "convert 21");
  }

  @Test
  void twoCallsInOneAnswer_areBothRun_streamedToo() throws Exception {
    String both = "Ask for both at once.";
    agent().answer(both);
    stream(both, new CopyOnWriteArrayList<>());

    assertThat(thermometer.calls)
        .containsExactly("weather in Rome", "convert 21", "weather in Rome", "convert 21");
  }

  private ChatResponse stream(String question, List<String> pieces) throws Exception {
    CompletableFuture<ChatResponse> complete = new CompletableFuture<>();
    AiServices.builder(StreamingAssistant.class)
        .streamingChatModel(
            OpenAiStreamingChatModel.builder()
                .baseUrl(TestServer.scripted().url() + "/v1")
                .apiKey("any")
                .modelName("s3-small")
                .timeout(TestServer.LIMIT)
                .build())
        .tools(thermometer)
        .build()
        .answer(question)
        .onPartialResponse(pieces::add)
        .onCompleteResponse(complete::complete)
        .onError(complete::completeExceptionally)
        .start();
    return complete.get(TestServer.LIMIT.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void record_isFilledFromAnAnswerThatKeepsItsSchema() {
    Warmth warmth = agent().warmth("How warm is it in Rome? Answer as JSON.");

    assertThat(warmth).isEqualTo(new Warmth("Rome", 21));
  }

  /** The embedded model writes no JSON by itself. */
  @Test
  void schemaOfARecord_keepsTheModelFromProse() {
    Person person =
        plain(model(TestServer.shared()).seed(3).maxTokens(60).build())
            .person("Describe a person.");

    assertThat(person.size()).isIn(Size.TALL, Size.SMALL);
  }

  @Test
  void wrongOption_isTheClientsExceptionWithTheFieldsName() {
    Assistant assistant = plain(model(TestServer.shared()).temperature(9.0).build());

    assertThatThrownBy(() -> assistant.answer("Hi"))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("temperature");
  }
}
