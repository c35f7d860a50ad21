package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ToolFunctionTest {
  private static final String SCHEMA =
      "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}";

  @Test
  void definition_hasTheFormOfTheProtocol() {
    Map<String, Object> parameters =
        Map.of("type", "object", "properties", Map.of("city", Map.of("type", "string")));

    assertThat(ToolFunction.parse("weather", "Returns it.", SCHEMA).withStrict(true).definition())
        .isEqualTo(
            Map.of(
                "type",
                "function",
                "function",
                Map.of(
                    "name",
                    "weather",
                    "description",
                    "Returns it.",
                    "parameters",
                    parameters,
                    "strict",
                    true)));
  }

  @Test
  void whatIsNotSet_isLeftOut() {
    assertThat(ToolFunction.parse("now", "", " ").definition())
        .isEqualTo(
            Map.of(
                "type",
                "function",
                "function",
                Map.of(
                    "name",
                    "now",
                    "parameters",
                    Map.of("type", "object", "properties", Map.of()))));
  }

  @Test
  void blankNameOrBrokenSchema_isRefused() {
    assertThatThrownBy(() -> ToolFunction.parse(" ", "", SCHEMA))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("name");
    assertThatThrownBy(() -> ToolFunction.parse("weather", "", "[]"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("JSON object");
  }
}
