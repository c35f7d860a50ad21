package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.chat;
import static dev.s3llm.examples.server.TestServer.events;
import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Answers in JSON, of a model that would write none by itself. */
class ResponseFormatTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final String RESPONSES = "/v1/responses";
  private static final String QUESTION = "Describe a person.";
  private static final String SHORT = ",\"seed\":3,\"max_tokens\":60";
  private static final String SCHEMA =
      """
      {"type": "object", "additionalProperties": false, "required": ["name", "age", "tags"],
       "properties": {
         "name": {"type": "string", "maxLength": 12},
         "age": {"type": "integer", "minimum": 0, "maximum": 150},
         "tags": {"type": "array", "items": {"enum": ["tall", "old"]}, "maxItems": 2}}}
      """;
  private static final String NAMED =
      "\"name\":\"person\",\"strict\":true,\"schema\":" + SCHEMA.replace("\n", " ");
  private static final String PERSON = format("json_schema", ",\"json_schema\":{" + NAMED + "}");
  private static final String TOOLS =
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}]";

  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.shared();
  }

  private static String format(String type, String more) {
    return "\"response_format\":{\"type\":\"%s\"%s}".formatted(type, more);
  }

  @Test
  void schemaOfARecord_givesItsFields_streamedToo() {
    JsonNode choice = answer(CHAT, chat(QUESTION, PERSON + SHORT)).at("/choices/0");
    String text = choice.at("/message/content").asString();

    assertThat(choice.at("/finish_reason").asString()).isEqualTo("stop");
    requirePerson(text);
    List<String> events =
        events(server.post(CHAT, chat(QUESTION, PERSON + SHORT + ",\"stream\":true")).body());
    StringBuilder streamed = new StringBuilder();
    for (String event : events.subList(0, events.size() - 1)) {
      streamed.append(json(event).at("/choices/0/delta/content").asString(""));
    }
    assertThat(streamed.toString()).isEqualTo(text);
  }

  @Test
  void formatOfAResponse_givesTheFields_streamedToo() {
    String body =
        "{\"input\":\"%s\",\"text\":{\"format\":{\"type\":\"json_schema\",%s}},\"seed\":3,\"max_output_tokens\":60"
            .formatted(QUESTION, NAMED);
    JsonNode response = answer(RESPONSES, body + "}");
    String text = response.at("/output/0/content/0/text").asString();

    requirePerson(text);
    assertThat(response.at("/status").asString()).isEqualTo("completed");
    assertThat(response.at("/text/format/name").asString()).isEqualTo("person");
    List<String> events = events(server.post(RESPONSES, body + ",\"stream\":true}").body());
    StringBuilder streamed = new StringBuilder();
    events.forEach(event -> streamed.append(json(event).path("delta").asString("")));
    assertThat(streamed.toString()).isEqualTo(text);
  }

  private static void requirePerson(String text) {
    JsonNode person = json(text);
    assertThat(person.propertyNames()).containsExactly("name", "age", "tags");
    assertThat(person.at("/name").asString()).hasSizeLessThanOrEqualTo(12);
    assertThat(person.at("/age").isIntegralNumber()).isTrue();
    assertThat(person.at("/age").asInt()).isBetween(0, 150);
    person.at("/tags").forEach(tag -> assertThat(tag.asString()).isIn("tall", "old"));
  }

  @Test
  void jsonObject_isAnObject() {
    String body = chat(QUESTION, format("json_object", "") + ",\"n\":3" + SHORT);
    for (JsonNode choice : answer(CHAT, body).at("/choices")) {
      assertThat(json(choice.at("/message/content").asString()).isObject()).isTrue();
    }
  }

  @Test
  void completion_keepsASchemaToo() {
    String body = "{\"prompt\":\"A person: \"," + PERSON + SHORT + "}";
    requirePerson(answer("/v1/completions", body).at("/choices/0/text").asString());
  }

  @Test
  void keywordThatCannotBeKept_isNamedWithItsPath() {
    String refused =
        "\"name\":\"card\",\"schema\":{\"type\":\"object\",\"properties\":{\"card\":{\"type\":\"array\",\"contains\":{\"const\":1}}}}";
    HttpResponse<String> ofChat =
        server.post(CHAT, chat("x", format("json_schema", ",\"json_schema\":{" + refused + "}")));
    HttpResponse<String> ofResponses =
        server.post(
            RESPONSES,
            "{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\"," + refused + "}}}");

    assertThat(ofChat.statusCode()).as(ofChat.body()).isEqualTo(400);
    JsonNode error = json(ofChat.body()).at("/error");
    assertThat(error.at("/param").asString()).isEqualTo("response_format");
    assertThat(error.at("/message").asString())
        .contains("'card'", "'contains'", "'/properties/card'");
    assertThat(ofResponses.statusCode()).as(ofResponses.body()).isEqualTo(400);
    assertThat(json(ofResponses.body()).at("/error/param").asString())
        .isEqualTo("text.format.schema");
  }

  @Test
  void toolsThatMayNotBeCalled_leaveTheSchema() {
    String none = PERSON + TOOLS + ",\"tool_choice\":\"none\"" + SHORT;
    requirePerson(answer(CHAT, chat(QUESTION, none)).at("/choices/0/message/content").asString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "response_format                    | 5",
        "response_format.type               | {}",
        "response_format.type               | {\"type\":\"grammar\"}",
        "response_format.json_schema        | {\"type\":\"json_schema\"}",
        "response_format.json_schema.name   | {\"type\":\"json_schema\",\"json_schema\":{}}",
        "response_format.json_schema.name   |"
            + " {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a b\"}}",
        "response_format.json_schema.schema |"
            + " {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}",
        "response_format.json_schema.schema |"
            + " {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":true}}",
        "response_format.json_schema.strict |"
            + " {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"strict\":1,\"schema\":{}}}",
        "response_format                    |"
            + " {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{\"type\":7}}}",
      })
  void wrongField_isNamed(String field, String format) {
    HttpResponse<String> response = server.post(CHAT, chat("x", "\"response_format\":" + format));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(json(response.body()).at("/error/param").asString()).isEqualTo(field);
  }

  private static JsonNode answer(String path, String body) {
    HttpResponse<String> response = server.post(path, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json(response.body());
  }
}
