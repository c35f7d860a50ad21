package dev.s3llm.examples.cli.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.CommandTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemplateCommandTest extends CommandTest {
  private static final String HI = "\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]";

  @TempDir Path folder;

  private List<JsonNode> cases(String... rows) throws IOException {
    Path in = Files.write(folder.resolve("cases.jsonl"), List.of(rows));
    Path results = folder.resolve("results.jsonl");
    assertThat(run("template", "--cases", in.toString(), "--json", results.toString()))
        .as(err.toString())
        .isZero();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(results)) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  private static String row(String template, String more) {
    return "{\"id\": \"a\", \"template\": \"%s\", %s%s}".formatted(template, HI, more);
  }

  @Test
  void variablesThatARowDoesNotHave_areUndefinedButToolsAndDocuments() throws IOException {
    String names = "bos_token eos_token add_generation_prompt tools documents date";
    StringBuilder template = new StringBuilder();
    for (String name : names.split(" ")) {
      template.append("{{ %s is defined }}{{ %s }} ".formatted(name, name));
    }
    List<JsonNode> results =
        cases(
            row(template.toString(), ""),
            row(
                template.toString(),
                ", \"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_generation_prompt\": false,"
                    + " \"tools\": [{\"a\": 1}], \"documents\": null, \"variables\": {\"date\": 1}"));
    assertThat(results)
        .extracting(result -> result.path("text").asText())
        .containsExactly(
            "False False False TrueNone TrueNone False ",
            "True<s> True</s> TrueFalse True[{'a': 1}] TrueNone True1 ");
  }

  @Test
  void badRow_isAnErrorAndLosesNoOther() throws IOException {
    List<JsonNode> results =
        cases(
            row("ok {{ messages[0].content }}", ""),
            "no json",
            "",
            "{\"template\": \"x\"}",
            "{\"id\": 7, " + HI + "}",
            row("{{ x", ""),
            row("{{ raise_exception('no') }}", ""),
            row("x", ", \"variables\": [1]"),
            row("x", ", \"add_generation_prompt\": 1"),
            "{\"id\": \"a\", \"template\": \"x\", \"messages\": [1]}",
            row("{{ '\\ud83d' }}", ""));
    assertThat(results).hasSize(10);
    assertThat(results.get(0).toString()).isEqualTo("{\"id\":\"a\",\"text\":\"ok Hi\"}");
    assertThat(results.get(1).path("id").asInt()).isEqualTo(2);
    assertThat(results.subList(1, 9))
        .extracting(result -> result.path("error").asText())
        .satisfiesExactly(
            e -> assertThat(e).startsWith("line 2 is not valid JSON: "),
            e -> assertThat(e).isEqualTo("messages must be an array of objects"),
            e -> assertThat(e).isEqualTo("template must be a text"),
            e -> assertThat(e).startsWith("the chat template, line 1, column 5: expected "),
            e -> assertThat(e).isEqualTo("no"),
            e -> assertThat(e).isEqualTo("variables must be an object"),
            e -> assertThat(e).isEqualTo("add_generation_prompt must be true or false, but is 1"),
            e -> assertThat(e).isEqualTo("messages must be an array of objects, but has 1"));
    assertThat(results.get(9).path("text").asText()).isEqualTo("\ud83d");
    assertThat(out.toString()).contains("10 rows: 2 rendered, 8 errors");
  }

  @Test
  void model_rendersMessagesWithItsOwnTemplateAndTokens() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": {\"content\": \"<s>\"}, \"chat_template\": \"{{ bos_token }}"
            + "{% for m in messages %}[{{ m.content }}]{% endfor %}"
            + "{{ 'A:' if add_generation_prompt }}{{ style }}\"}");
    Path messages =
        Files.writeString(
            folder.resolve("messages.json"), "[{\"role\": \"user\", \"content\": \"Hi\"}]");
    assertThat(run("template", folder.toString(), "--messages", messages.toString())).isZero();
    assertThat(out.toString()).isEqualTo("<s>[Hi]A:");

    Files.writeString(
        messages,
        "{%s, \"add_generation_prompt\": false, \"variables\": {\"style\": 1}}".formatted(HI));
    assertThat(run("template", folder.toString(), "--messages", messages.toString())).isZero();
    assertThat(out.toString()).isEqualTo("<s>[Hi]A:<s>[Hi]1");
  }

  @Test
  void mistakes_areNamedInOneLine() throws IOException {
    Path messages = Files.writeString(folder.resolve("messages.json"), "[]");
    assertThat(run("template")).isEqualTo(2);
    assertThat(run("template", folder.toString())).isEqualTo(2);
    assertThat(run("template", folder + "/none", "--messages", messages.toString())).isEqualTo(2);
    Files.writeString(folder.resolve("chat_template.jinja"), "\n{{ 1 +");
    assertThat(run("template", folder.toString(), "--messages", messages.toString())).isEqualTo(2);
    assertThat(err.toString().lines())
        .satisfiesExactly(
            e -> assertThat(e).contains("give either MODEL and --messages, or --cases and --json"),
            e -> assertThat(e).contains("give either MODEL and --messages"),
            e -> assertThat(e).contains("none does not exist"),
            e -> assertThat(e).contains("chat_template.jinja, line 2, column 7: "));
  }
}
