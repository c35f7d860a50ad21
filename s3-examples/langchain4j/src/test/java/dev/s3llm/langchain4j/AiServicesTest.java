package dev.s3llm.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.TokenStream;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** LangChain4j's AI services on scripted answers: agents with tools, and typed answers. */
class AiServicesTest {
  private static final String QUESTION = "How warm is it in the capital of France?";

  private final TextGenerator generator = Generators.scripted();
  private final Atlas atlas = new Atlas();

  @AfterEach
  void close() {
    generator.close();
  }

  /** The tools of the agent; the second one needs the result of the first. */
  static final class Atlas {
    final List<String> calls = new CopyOnWriteArrayList<>();

    @Tool("Returns the capital of a country.")
    String capital(@P("name of the country") String country) {
      calls.add("capital of " + country);
      return "Paris";
    }

    @Tool("Returns the temperature in a city.")
    String temperature(@P("name of the city") String city) {
      calls.add("temperature in " + city);
      return "20 degrees";
    }
  }

  record Warmth(String city, int degrees) {}

  record Person(String name, int age) {}

  enum Feeling {
    GOOD,
    BAD
  }

  record Mood(
      @JsonProperty(required = true) Feeling feeling,
      @JsonProperty(required = true) Boolean sure) {}

  interface Assistant {
    Result<String> answer(String question);

    Warmth warmth(String question);

    Person person(String question);

    Mood mood(String question);
  }

  interface StreamingAssistant {
    TokenStream answer(String question);
  }

  @Test
  void agent_callsTwoToolsThenAnswers() {
    Result<String> result = agent().answer(QUESTION);

    assertThat(result.content()).isEqualTo("It is 20 degrees in Paris.");
    assertThat(atlas.calls).containsExactly("capital of France", "temperature in Paris");
    assertThat(result.toolExecutions())
        .extracting(execution -> execution.request().arguments())
        .containsExactly("{\"country\":\"France\"}", "{\"city\":\"Paris\"}");
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
  }

  @Test
  void tokenUsage_isTheSumOfAllAnswersOfTheAgent() {
    Result<String> result = agent().answer(QUESTION);
    int output =
        result.intermediateResponses().stream()
                .mapToInt(response -> response.tokenUsage().outputTokenCount())
                .sum()
            + result.finalResponse().tokenUsage().outputTokenCount();

    assertThat(result.intermediateResponses())
        .hasSize(2)
        .allSatisfy(
            response -> assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION));
    assertThat(result.tokenUsage().outputTokenCount()).isEqualTo(output).isPositive();
  }

  @Test
  void streamingAgent_callsTwoToolsThenStreamsTheAnswer() throws Exception {
    StringBuilder text = new StringBuilder();
    StringBuilder arguments = new StringBuilder();
    List<String> results = new CopyOnWriteArrayList<>();
    CompletableFuture<ChatResponse> complete = new CompletableFuture<>();
    AiServices.builder(StreamingAssistant.class)
        .streamingChatModel(S3StreamingChatModel.builder(generator).build())
        .tools(atlas)
        .build()
        .answer(QUESTION)
        .onPartialResponse(text::append)
        .onPartialToolCall((PartialToolCall call) -> arguments.append(call.partialArguments()))
        .onToolExecuted(execution -> results.add(execution.result()))
        .onCompleteResponse(complete::complete)
        .onError(complete::completeExceptionally)
        .start();

    ChatResponse last = complete.get(10, TimeUnit.SECONDS);
    assertThat(last.aiMessage().text()).isEqualTo("It is 20 degrees in Paris.");
    assertThat(text).hasToString("It is 20 degrees in Paris.");
    assertThat(arguments).hasToString("{\"country\":\"France\"}{\"city\":\"Paris\"}");
    assertThat(results).containsExactly("Paris", "20 degrees");
  }

  @Test
  void agentWithATypedAnswer_callsToolsThenKeepsTheSchema() {
    assertThat(agent().warmth(QUESTION)).isEqualTo(new Warmth("Paris", 20));
    assertThat(atlas.calls).hasSize(2);
  }

  @Test
  void schemaOfARecord_keepsTheModelFromProse() {
    Person person = plain(generator).person("How old was Ada Lovelace?");

    assertThat(person).isEqualTo(new Person("Ada Lovelace", 36));
  }

  @Test
  void smallModel_answersWithARecord() {
    try (TextGenerator small = Generators.embedded()) {
      assertThat(plain(small).mood("How are you?")).hasNoNullFieldsOrProperties();
    }
  }

  private Assistant agent() {
    return AiServices.builder(Assistant.class)
        .chatModel(S3ChatModel.builder(generator).build())
        .tools(atlas)
        .build();
  }

  private static Assistant plain(TextGenerator generator) {
    return AiServices.create(Assistant.class, S3ChatModel.builder(generator).build());
  }
}
