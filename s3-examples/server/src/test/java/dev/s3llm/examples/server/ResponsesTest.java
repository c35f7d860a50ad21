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

/** The Responses API with text. */
class ResponsesTest {
  private static final String RESPONSES = "/v1/responses";
  private static final String ASKED =
      "\"input\":\"Name three colours.\",\"temperature\":0,\"max_output_tokens\":12";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.shared();
  }

  @Test
  void response_hasOneMessage_andCounts() {
    JsonNode response = response("{" + ASKED + ",\"instructions\":\"Be brief.\"}");

    assertThat(response.at("/id").asString()).startsWith("resp_");
    assertThat(response.at("/object").asString()).isEqualTo("response");
    assertThat(response.at("/status").asString()).isEqualTo("incomplete");
    assertThat(response.at("/incomplete_details/reason").asString()).isEqualTo("max_output_tokens");
    assertThat(response.at("/instructions").asString()).isEqualTo("Be brief.");
    assertThat(response.at("/store").asBoolean()).isFalse();
    JsonNode item = response.at("/output/0");
    assertThat(item.at("/type").asString()).isEqualTo("message");
    assertThat(item.at("/content/0/type").asString()).isEqualTo("output_text");
    assertThat(item.at("/content/0/text").asString()).isNotEmpty();
    JsonNode usage = response.at("/usage");
    assertThat(usage.at("/output_tokens").asInt()).isEqualTo(12);
    assertThat(usage.at("/total_tokens").asInt()).isEqualTo(usage.at("/input_tokens").asInt() + 12);
    assertThat(usage.at("/input_tokens_details/cached_tokens").isInt()).isTrue();
    assertThat(usage.at("/output_tokens_details/reasoning_tokens").asInt()).isZero();
  }

  @Test
  void items_areTheConversationThatMessagesAre() {
    String items =
        """
        {"input": [
          {"role": "user", "content": [{"type": "input_text", "text": "How warm is it?"}]},
          {"type": "reasoning", "id": "rs_1", "summary": []},
          {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
          {"type": "function_call_output", "call_id": "c1", "output": "21"},
          {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "21"}]},
          {"role": "user", "content": "And tomorrow?"}],
         "temperature": 0, "max_output_tokens": 6}
        """;
    String messages =
        """
        {"messages": [
          {"role": "user", "content": "How warm is it?"},
          {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
          {"role": "tool", "tool_call_id": "c1", "content": "21"},
          {"role": "assistant", "content": "21"},
          {"role": "user", "content": "And tomorrow?"}],
         "temperature": 0, "max_tokens": 6}
        """;
    JsonNode response = response(items);
    JsonNode chat = json(server.post("/v1/chat/completions", messages).body());

    assertThat(response.at("/output/0/content/0/text"))
        .isEqualTo(chat.at("/choices/0/message/content"));
    assertThat(response.at("/usage/input_tokens")).isEqualTo(chat.at("/usage/prompt_tokens"));
  }

  @Test
  void stream_hasTheEventsInOrder_andEndsWithTheWholeResponse() {
    JsonNode whole = response("{" + ASKED + "}");
    HttpResponse<String> streamed = server.post(RESPONSES, "{" + ASKED + ",\"stream\":true}");
    List<JsonNode> events = events(streamed.body()).stream().map(TestServer::json).toList();
    List<String> types = events.stream().map(event -> event.at("/type").asString()).toList();

    assertThat(types.stream().distinct())
        .containsExactly(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.incomplete");
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < events.size(); i++) {
      assertThat(events.get(i).at("/sequence_number").asInt()).isEqualTo(i);
      text.append(events.get(i).path("delta").asString(""));
    }
    assertThat(text.toString()).isEqualTo(whole.at("/output/0/content/0/text").asString());
    JsonNode last = events.get(events.size() - 1).at("/response");
    assertThat(last.at("/output/0/content")).isEqualTo(whole.at("/output/0/content"));
    assertThat(last.at("/usage/output_tokens").asInt()).isEqualTo(12);
    assertThat(streamed.body()).contains("event: response.created");
  }

  @Test
  void logProbabilities_areThoseOfChats_streamedToo() {
    String asked = ASKED + ",\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":2";
    JsonNode tokens = response("{" + asked + "}").at("/output/0/content/0/logprobs");
    JsonNode chat =
        json(
            server
                .post(
                    "/v1/chat/completions",
                    TestServer.chat(
                        "Name three colours.",
                        "\"temperature\":0,\"max_tokens\":12,\"logprobs\":true,\"top_logprobs\":2"))
                .body());
    List<JsonNode> pieces = new ArrayList<>();
    for (String event : events(server.post(RESPONSES, "{" + asked + ",\"stream\":true}").body())) {
      JsonNode json = json(event);
      if (json.at("/type").asString().equals("response.output_text.delta")) {
        json.at("/logprobs").forEach(pieces::add);
      }
    }

    assertThat(tokens).hasSize(12);
    assertThat(tokens).isEqualTo(chat.at("/choices/0/logprobs/content"));
    assertThat(pieces).hasSize(12);
    for (int i = 0; i < 12; i++) {
      assertThat(pieces.get(i).at("/logprob")).isEqualTo(tokens.get(i).at("/logprob"));
      assertThat(pieces.get(i).at("/top_logprobs")).hasSize(2);
      assertThat(pieces.get(i).has("bytes")).isFalse();
    }
    assertThat(response("{" + ASKED + "}").at("/output/0/content/0/logprobs")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "input                | {}",
        "input                | {\"input\":[]}",
        "input[0]             | {\"input\":[5]}",
        "input[0].type        | {\"input\":[{\"type\":\"image\"}]}",
        "input[0].role        | {\"input\":[{\"content\":\"x\"}]}",
        "input[0].content     | {\"input\":[{\"role\":\"user\"}]}",
        "input[0].call_id     | {\"input\":[{\"type\":\"function_call_output\",\"output\":\"x\"}]}",
        "input[0].arguments   |"
            + " {\"input\":[{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"[\"}]}",
        "previous_response_id | {\"input\":\"x\",\"previous_response_id\":\"resp_1\"}",
        "conversation         | {\"input\":\"x\",\"conversation\":\"c\"}",
        "background           | {\"input\":\"x\",\"background\":true}",
        "top_logprobs         | {\"input\":\"x\",\"top_logprobs\":21}",
        "max_output_tokens    | {\"input\":\"x\",\"max_output_tokens\":0}",
      })
  void wrongField_isNamed(String field, String body) {
    HttpResponse<String> response = server.post(RESPONSES, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(json(response.body()).at("/error/param").asString()).isEqualTo(field);
  }

  private static JsonNode response(String body) {
    HttpResponse<String> response = server.post(RESPONSES, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
