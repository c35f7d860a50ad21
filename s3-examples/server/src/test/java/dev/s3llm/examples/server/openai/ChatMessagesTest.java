package dev.s3llm.examples.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.text.ChatMessage;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages as clients with tools send them. */
class ChatMessagesTest {
  private static final String CALL =
      """
      {"role": "assistant", %s
       "tool_calls": [{"id": "c1", "type": "function",
                       "function": {"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}}]}
      """;

  @ParameterizedTest
  @ValueSource(strings = {"", "\"content\": null,"})
  void callWithoutContent_isShownToTheTemplate(String content) {
    assertThat(read(CALL.formatted(content)).get(0).fields())
        .containsEntry("role", "assistant")
        .containsEntry("content", null)
        .containsEntry("tool_calls", List.of(shown()));
  }

  @Test
  void callWithText_keepsBoth() {
    assertThat(read(CALL.formatted("\"content\": \"I look it up.\",")).get(0).fields())
        .containsEntry("content", "I look it up.")
        .containsEntry("tool_calls", List.of(shown()));
  }

  @Test
  void result_namesItsCall() {
    assertThat(
            read("{\"role\": \"tool\", \"tool_call_id\": \"c1\", \"content\": \"21\"}")
                .get(0)
                .fields())
        .containsOnly(
            Map.entry("role", "tool"), Map.entry("content", "21"), Map.entry("tool_call_id", "c1"));
  }

  private static Map<String, Object> shown() {
    return Map.of(
        "id",
        "c1",
        "type",
        "function",
        "function",
        Map.of("name", "weather", "arguments", Map.of("city", "Rome")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "messages[0].content    | {`role`:`user`}",
        "messages[0].content    | {`role`:`assistant`,`content`:null}",
        "messages[0].content    | {`role`:`user`,`content`:[]}",
        "messages[0].tool_calls | {`role`:`assistant`,`tool_calls`:{}}",
        "messages[0].tool_calls[0].function.name | {`role`:`assistant`,`tool_calls`:[{}]}",
        "messages[0].tool_calls[0].function.arguments"
            + " | {`role`:`assistant`,`tool_calls`:[{`function`:{`name`:`f`,`arguments`:`[`}}]}",
      })
  void wrongField_isNamed(String field, String message) {
    assertThatThrownBy(() -> read(message.replace('`', '"')))
        .isInstanceOfSatisfying(
            ApiException.class, e -> assertThat(e.body().error().param()).isEqualTo(field));
  }

  private static List<ChatMessage> read(String message) {
    String body = "{\"messages\": [" + message + "]}";
    return ChatMessages.read(Json.read(body.getBytes(StandardCharsets.UTF_8)));
  }
}
