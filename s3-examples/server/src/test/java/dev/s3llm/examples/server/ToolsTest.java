package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Calls of tools, with a model that plays an agent. */
class ToolsTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String RESPONSES = "/v1/responses";
  private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{}}";
  private static final String TOOLS =
      "\"tools\":[%s,%s]".formatted(nested("weather"), nested("convert"));
  private static final String FLAT_TOOLS =
      "\"tools\":[%s,%s]"
          .formatted(
              "{\"type\":\"function\",\"name\":\"weather\",\"parameters\":" + SCHEMA + "}",
              "{\"type\":\"function\",\"name\":\"convert\",\"parameters\":" + SCHEMA + "}");

  private static TestServer server;

  private static String nested(String name) {
    return "{\"type\":\"function\",\"function\":{\"name\":\"%s\",\"parameters\":%s}}"
        .formatted(name, SCHEMA);
  }

  @BeforeAll
  static void start() {
    server = TestServer.scripted();
  }

  @Test
  void callOfATool_endsTheAnswer() {
    JsonNode answer = answer(CHAT, asked("How warm is it?", TOOLS));
    JsonNode message = answer.at("/choices/0/message");

    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
    assertThat(message.get("content").isNull()).isTrue();
    JsonNode call = message.at("/tool_calls/0");
    assertThat(call.at("/id").asString()).isNotEmpty();
    assertThat(call.at("/type").asString()).isEqualTo("function");
    assertThat(call.at("/function/name").asString()).isEqualTo("weather");
    assertThat(json(call.at("/function/arguments").asString()).at("/city").asString())
        .isEqualTo("Rome");
    assertThat(answer.at("/usage/completion_tokens_details/reasoning_tokens").asInt()).isZero();
  }

  @Test
  void severalCalls_areStreamedInPiecesWithTheirIndexes() {
    String body = asked("Ask for both at once.", TOOLS + ",\"stream\":true");
    List<String> events = events(server.post(CHAT, body).body());
    List<StringBuilder> arguments = new ArrayList<>();
    List<String> names = new ArrayList<>();
    String reason = "";
    for (JsonNode piece :
        events.stream().limit(events.size() - 1L).map(TestServer::json).toList()) {
      for (JsonNode call : piece.at("/choices/0/delta/tool_calls")) {
        if (call.has("id")) {
          names.add(call.at("/function/name").asString());
          arguments.add(new StringBuilder());
        }
        arguments
            .get(call.at("/index").asInt())
            .append(call.at("/function/arguments").asString(""));
      }
      reason = piece.at("/choices/0/finish_reason").asString(reason);
    }
    assertThat(names).containsExactly("weather", "convert");
    assertThat(json(arguments.get(0).toString()).at("/city").asString()).isEqualTo("Rome");
    assertThat(json(arguments.get(1).toString()).at("/celsius").asInt()).isEqualTo(21);
    assertThat(reason).isEqualTo("tool_calls");
  }

  @Test
  void answerWithToolsAndASchema_callsOrKeepsTheSchema() {
    String schema =
        "\"name\":\"warmth\",\"schema\":{\"type\":\"object\",\"required\":[\"city\",\"celsius\"],\"properties\":{\"city\":{\"type\":\"string\"},\"celsius\":{\"type\":\"integer\"}}}";
    String nested =
        ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{" + schema + "}}";
    String flat = ",\"text\":{\"format\":{\"type\":\"json_schema\"," + schema + "}}";
    for (String choice : List.of("", ",\"tool_choice\":\"required\"")) {
      JsonNode calling = answer(CHAT, asked("How warm is it?", TOOLS + choice + nested));
      assertThat(calling.at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
      JsonNode item = answer(RESPONSES, input("How warm is it?", FLAT_TOOLS + choice + flat));
      assertThat(item.at("/output/0/name").asString()).isEqualTo("weather");
    }
    JsonNode telling = answer(CHAT, asked("Answer as JSON.", TOOLS + nested));
    assertThat(telling.at("/choices/0/message/content").asString())
        .isEqualTo(ScriptedExecutor.WARMTH);
    assertThat(telling.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    JsonNode output = answer(RESPONSES, input("Answer as JSON.", FLAT_TOOLS + flat));
    assertThat(output.at("/output/0/content/0/text").asString()).isEqualTo(ScriptedExecutor.WARMTH);
  }

  private static String input(String question, String fields) {
    return "{\"input\":\"%s\",%s}".formatted(question, fields);
  }

  @Test
  void argumentsOfACall_areTheModelsOwnText_streamedAndNot() {
    String whole =
        answer(CHAT, asked("How warm is it?", TOOLS))
            .at("/choices/0/message/tool_calls/0/function/arguments")
            .asString();
    StringBuilder streamed = new StringBuilder();
    List<String> events =
        events(server.post(CHAT, asked("How warm is it?", TOOLS + ",\"stream\":true")).body());
    for (String event : events.subList(0, events.size() - 1)) {
      json(event)
          .at("/choices/0/delta/tool_calls")
          .forEach(call -> streamed.append(call.at("/function/arguments").asString("")));
    }
    assertThat(whole).isEqualTo("{\"city\": \"Rome\"}");
    assertThat(streamed).hasToString(whole);
  }

  @Test
  void toolChoiceOfNone_hidesTheTools() {
    JsonNode answer = answer(CHAT, asked("Hi", TOOLS + ",\"tool_choice\":\"none\""));
    assertThat(answer.at("/choices/0/message/content").asString()).isEqualTo("Hello.");
    assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
  }

  @Test
  void response_hasAnItemForTheCall_andItsStreamTheEvents() {
    String body = "{\"input\":\"How warm is it?\"," + FLAT_TOOLS;
    JsonNode item = answer(RESPONSES, body + "}").at("/output/0");
    List<JsonNode> events =
        events(server.post(RESPONSES, body + ",\"stream\":true}").body()).stream()
            .map(TestServer::json)
            .toList();

    assertThat(item.at("/type").asString()).isEqualTo("function_call");
    assertThat(item.at("/name").asString()).isEqualTo("weather");
    assertThat(item.at("/call_id").asString()).isNotEmpty();
    assertThat(events.stream().map(event -> event.at("/type").asString()).distinct())
        .containsExactly(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed");
    JsonNode last = events.get(events.size() - 1).at("/response/output/0");
    assertThat(json(last.at("/arguments").asString()))
        .isEqualTo(json(item.at("/arguments").asString()));
  }

  @Test
  void resultsOfTheTools_leadToTheAnswer() {
    String body =
        """
        {"input": [
          {"role": "user", "content": "How warm is it?"},
          {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
          {"type": "function_call_output", "call_id": "c1", "output": "21 C"},
          {"type": "function_call", "call_id": "c2", "name": "convert", "arguments": "{}"},
          {"type": "function_call_output", "call_id": "c2", "output": "69.8 F"}], %s}
        """;
    JsonNode response = answer(RESPONSES, body.formatted(FLAT_TOOLS));
    assertThat(response.at("/output/0/content/0/text").asString())
        .isEqualTo(ScriptedExecutor.FINAL);
    assertThat(response.at("/status").asString()).isEqualTo("completed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "tools                         | \"tools\":5",
        "tools[0].type                 | \"tools\":[{\"type\":\"web_search\"}]",
        "tools[0].function.name        | \"tools\":[{\"type\":\"function\"}]",
        "tools[0].function.name        |"
            + " \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]",
        "tools[0].function.parameters  |"
            + " \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":1}}]",
        "tool_choice                   | \"tool_choice\":\"required\"",
        "tool_choice                   | \"tool_choice\":\"never\"",
        "parallel_tool_calls           | \"parallel_tool_calls\":\"yes\"",
        "reasoning_effort              | \"reasoning_effort\":\"huge\"",
        "chat_template_kwargs          | \"chat_template_kwargs\":{\"messages\":1}",
      })
  void wrongField_isNamed(String field, String json) {
    HttpResponse<String> response = server.post(CHAT, asked("x", json));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(json(response.body()).at("/error/param").asString()).isEqualTo(field);
  }

  @Test
  void functionThatIsNoTool_cannotBeChosen() {
    String choice = ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"other\"}}";
    HttpResponse<String> response = server.post(CHAT, asked("x", TOOLS + choice));
    assertThat(json(response.body()).at("/error/param").asString()).isEqualTo("tool_choice");
  }

  private static String asked(String question, String fields) {
    return TestServer.chat(question, fields);
  }

  private static JsonNode answer(String path, String body) {
    HttpResponse<String> response = server.post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
