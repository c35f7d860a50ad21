package dev.s3llm.examples.cli.tokenize;

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

class TokenizeCommandTest extends CommandTest {
  private static final String TOKENIZER =
      """
      {"version": "1.0", "added_tokens": [{"id": 4, "content": "<|x|>", "single_word": false,
        "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
       "decoder": {"type": "Fuse"},
       "model": {"type": "BPE", "unk_token": null, "merges": ["a b"],
         "vocab": {"a": 0, "b": 1, "ab": 2, "<": 3, "<|x|>": 4, "|": 5, "x": 6, ">": 7}}}
      """;

  @TempDir Path folder;

  private int tokenize(String... rows) throws IOException {
    Path in = Files.write(folder.resolve("cases.jsonl"), List.of(rows));
    String results = folder.resolve("results.jsonl").toString();
    return run("tokenize", folder.toString(), "--cases", in.toString(), "--json", results);
  }

  private List<JsonNode> results() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve("results.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  @Test
  void texts_becomeTokensAndTextAgain() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
    int code =
        tokenize(
            "{\"id\": \"s\", \"text\": \"ab<|x|>a\", \"special\": true}",
            "{\"id\": \"t\", \"text\": \"ab<|x|>a\", \"special\": false}",
            "{\"text\": \"\"}");
    assertThat(code).as(err.toString()).isZero();
    assertThat(results())
        .extracting(JsonNode::toString)
        .containsExactly(
            "{\"id\":\"s\",\"tokens\":[2,4,0],\"decoded\":\"aba\"}",
            "{\"id\":\"t\",\"tokens\":[2,3,5,6,5,7,0],\"decoded\":\"ab<|x|>a\"}",
            "{\"id\":3,\"tokens\":[],\"decoded\":\"\"}");
    assertThat(out).asString().contains("3 rows: 3 encoded, 0 errors");
  }

  @Test
  void badRow_isAnErrorAndLosesNoOther() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER);
    int code =
        tokenize(
            "no json",
            "{\"id\": 7}",
            "{\"id\": 8, \"text\": \"a\", \"special\": 1}",
            "",
            "{\"id\": 9, \"text\": \"a\"}");
    assertThat(code).isZero();
    assertThat(results()).hasSize(4);
    assertThat(results().get(0).path("error").asText()).contains("line 1 is not valid JSON");
    assertThat(results().get(1).path("error").asText()).contains("text must be");
    assertThat(results().get(2).path("error").asText()).contains("special must be");
    assertThat(results().get(3).path("tokens").toString()).isEqualTo("[0]");
  }

  @Test
  void modelWithoutTokenizer_isRefusedByName() throws IOException {
    assertThat(tokenize("{\"text\": \"a\"}")).isEqualTo(2);
    assertThat(err).asString().contains("MODEL: ", "tokenizer.json is missing");
  }
}
