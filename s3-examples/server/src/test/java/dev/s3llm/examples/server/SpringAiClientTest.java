package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.openai.errors.BadRequestException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.annotation.ToolParam;

/**
 * Spring AI's client of OpenAI's protocol, which sends its requests with OpenAI's client for Java.
 */
class SpringAiClientTest {
  private static final String QUESTION = "How warm is it in Rome, in Fahrenheit?";

  private final Thermometer thermometer = new Thermometer();

  /** Two tools, the second of which needs the result of the first. Records the calls. */
  static final class Thermometer {
    final List<String> calls = new CopyOnWriteArrayList<>();

    @Tool(description = "Returns the temperature in a city.")
    String weather(@ToolParam(description = "name of the city") String city) {
      calls.add("weather in " + city);
      return "21 C";
    }

    @Tool(description = "Converts a temperature to Fahrenheit.")
    String convert(@ToolParam(description = "degrees Celsius") int celsius) {
      calls.add("convert " + celsius);
      return "69.8 F";
    }
  }

  enum Size {
    TALL,
    SMALL
  }

  record Person(Size size, boolean old) {}

  /** In the order of the script; Spring AI would sort the fields by name. */
  @JsonPropertyOrder({"city", "celsius"})
  record Warmth(String city, int celsius) {}

  private static ChatClient client(TestServer server, OpenAiChatOptions.Builder options) {
    OpenAiChatOptions all =
        options
            .baseUrl(server.url() + "/v1")
            .apiKey("any")
            .model("s3-small")
            .maxRetries(0)
            .timeout(TestServer.LIMIT)
            .build();
    return ChatClient.builder(OpenAiChatModel.builder().options(all).build())
        .defaultAdvisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT)
        .build();
  }

  private static ChatClient agent() {
    return client(TestServer.scripted(), OpenAiChatOptions.builder().streamUsage(true));
  }

  @Test
  void twoTools_areCalledOneAfterTheOther() {
    ChatResponse response = agent().prompt(QUESTION).tools(thermometer).call().chatResponse();

    assertThat(response.getResult().getOutput().getText()).isEqualTo(ScriptedExecutor.FINAL);
    assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
    assertThat(thermometer.calls).containsExactly("weather in Rome", "convert 21");
    assertThat(response.getMetadata().getUsage().getCompletionTokens()).isPositive();
  }

  @Test
  void twoTools_areCalledWhileTheAnswerStreams() {
    List<ChatResponse> pieces =
        agent().prompt(QUESTION).tools(thermometer).stream()
            .chatResponse()
            .collectList()
            .block(TestServer.LIMIT);

    List<String> texts =
        pieces.stream()
            .filter(piece -> piece.getResult() != null)
            .map(piece -> piece.getResult().getOutput().getText())
            .filter(text -> text != null && !text.isEmpty())
            .toList();
    Usage usage = pieces.get(pieces.size() - 1).getMetadata().getUsage();
    assertThat(texts).hasSizeGreaterThan(1);
    assertThat(String.join("", texts)).isEqualTo(ScriptedExecutor.FINAL);
    assertThat(thermometer.calls).containsExactly("weather in Rome", "convert 21");
    assertThat(usage.getCompletionTokens()).isPositive();
  }

  @Test
  void twoCallsInOneAnswer_areBothRun_streamedToo() {
    String both = "Ask for both at once.";
    agent().prompt(both).tools(thermometer).call().content();
    agent().prompt(both).tools(thermometer).stream().content().blockLast(TestServer.LIMIT);

    assertThat(thermometer.calls)
        .containsExactly("weather in Rome", "convert 21", "weather in Rome", "convert 21");
  }

  @Test
  void record_isFilledFromAnAnswerThatKeepsItsSchema() {
    Warmth warmth =
        agent()
            .prompt("How warm is it in Rome? Answer as JSON.")
            .tools(thermometer)
            .call()
            .entity(Warmth.class);

    assertThat(warmth).isEqualTo(new Warmth("Rome", 21));
  }

  /** The embedded model writes no JSON by itself. */
  @Test
  void schemaOfARecord_keepsTheModelFromProse() {
    ChatClient client =
        client(TestServer.shared(), OpenAiChatOptions.builder().seed(3).maxCompletionTokens(60));

    Person person = client.prompt("Describe a person.").call().entity(Person.class);

    assertThat(person.size()).isIn(Size.TALL, Size.SMALL);
  }

  @Test
  void wrongOption_isTheClientsExceptionWithTheFieldsName() {
    ChatClient client = client(TestServer.shared(), OpenAiChatOptions.builder().topLogprobs(99));

    assertThatThrownBy(() -> client.prompt("Hi").call().content())
        .isInstanceOfSatisfying(
            BadRequestException.class, error -> assertThat(error.param()).hasValue("top_logprobs"));
  }
}
