package dev.s3llm.examples.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.TextModel;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** A response format beside tools, with a model that answers in channels. */
class ResponseFormatRulesTest {
  private static final String CHANNELS =
      "{{ tools | tojson }}{{ messages[0].content }}<|start|>assistant<|channel|>analysis";
  private static final String ASKED =
      """
      {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"},
       "tools": [{"type": "function", "function": {"name": "weather"}}], "tool_choice": "%s"}
      """;

  @Test
  void schemaBesideTools_isRefusedWhereTheModelAnswersInChannels() {
    try (TextModel model =
        TextModel.load(SmallModel.unpack(), ChatTemplate.jinja(CHANNELS, "<s>", "</s>"))) {
      assertThatThrownBy(() -> check("auto", model))
          .isInstanceOfSatisfying(
              ApiException.class, refused -> assertThat(refused.status()).isEqualTo(400))
          .hasMessageContaining("'response_format'")
          .hasMessageContaining("'tool_choice'");
      for (String choice : new String[] {"none", "required"}) {
        assertThatCode(() -> check(choice, model)).doesNotThrowAnyException();
      }
    }
    try (TextModel model = TextModel.load(SmallModel.unpack())) {
      assertThatCode(() -> check("auto", model)).doesNotThrowAnyException();
    }
  }

  private static void check(String choice, TextModel model) {
    byte[] body = ASKED.formatted(choice).getBytes(StandardCharsets.UTF_8);
    ChatRequest chat = ChatRequest.read(Json.read(body));
    chat.dialogue().requireKept(chat.options().format(), model);
  }
}
