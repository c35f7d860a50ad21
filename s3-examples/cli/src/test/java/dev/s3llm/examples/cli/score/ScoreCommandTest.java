package dev.s3llm.examples.cli.score;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.cli.CommandTest;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.TextModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreCommandTest extends CommandTest {
  private static final Path MODEL = SmallModel.unpack();

  @TempDir Path folder;

  private List<JsonNode> score(String... rows) throws IOException {
    Path cases = Files.write(folder.resolve("cases.jsonl"), List.of(rows));
    Path json = folder.resolve("scores.jsonl");
    int code =
        run("score", MODEL.toString(), "--cases", cases.toString(), "--json", json.toString());
    assertThat(code).as(err.toString()).isZero();
    List<JsonNode> results = new ArrayList<>();
    for (String line : Files.readAllLines(json)) {
      results.add(new ObjectMapper().readTree(line));
    }
    return results;
  }

  @Test
  void text_hasTheNegativeSumOfItsTokensLogProbabilities() throws IOException {
    String text = "The sum of two and two is four.";
    JsonNode result = score("{\"id\": \"a\", \"text\": \"" + text + "\"}").get(0);
    try (TextModel model = TextModel.load(MODEL);
        CpuExecutor executor = CpuExecutor.builder(MODEL).build()) {
      int[] tokens = model.encode(text);
      double expected = -Arrays.stream(executor.scores(tokens)).sum();
      assertThat(result.get("tokens").asInt()).isEqualTo(tokens.length);
      assertThat(result.get("nll").asDouble()).isPositive().isCloseTo(expected, within(1e-9));
    }
  }

  @Test
  void roundedWeights_changeTheScoreALittle() throws IOException {
    String row = "{\"id\": \"a\", \"text\": \"The sum of two and two is four.\"}";
    double stored = score(row).get(0).get("nll").asDouble();
    Path cases = Files.writeString(folder.resolve("rounded.jsonl"), row);
    for (String format : List.of("int8", "fp8", "INT4", "fp8/fp8")) {
      Path json = folder.resolve(format.replace('/', '-') + ".jsonl");
      run(
          "score",
          MODEL.toString(),
          "--cases",
          cases.toString(),
          "--json",
          json.toString(),
          "--quantize",
          format.replaceFirst("/.*", ""),
          "--activations",
          format.contains("/") ? "fp8" : "stored");
      double own = new ObjectMapper().readTree(Files.readString(json)).get("nll").asDouble();
      assertThat(own).isNotEqualTo(stored).isCloseTo(stored, within(0.15 * stored));
    }
  }

  @Test
  void unknownFormat_isRefusedWithThoseThereAre() {
    assertThat(run("score", MODEL.toString(), "--cases", "c.jsonl", "--weights", "int3"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("'int3'", "stored, wide, int8, fp8, int4");
    assertThat(run("score", MODEL.toString(), "--cases", "c.jsonl", "--activations", "int8"))
        .isEqualTo(2);
    assertThat(err.toString()).contains("'int8' is no format of activations", "stored, wide, fp8");
  }

  @Test
  void badRow_isAnErrorAndLosesNoOther() throws IOException {
    List<JsonNode> results =
        score(
            "{\"id\": \"a\", \"text\": \"Hello\"}",
            "no json",
            "{\"id\": \"b\"}",
            "{\"id\": \"d\", \"text\": \"" + "word ".repeat(2000) + "\"}",
            "{\"id\": \"a\", \"text\": \"Hello\"}");
    assertThat(results).hasSize(5);
    assertThat(results.get(4)).isEqualTo(results.get(0));
    assertThat(results.subList(1, 4))
        .extracting(result -> result.path("error").asText())
        .satisfiesExactly(
            error -> assertThat(error).startsWith("line 2 is not valid JSON"),
            error -> assertThat(error).isEqualTo("text must be a text, but is missing"),
            error -> assertThat(error).contains("must have from 1 to 1024"));
    assertThat(out.toString()).contains("2 texts, 3 errors, ");
  }

  @Test
  void mistakes_areNamedInOneLine() throws IOException {
    Path none = folder.resolve("none.jsonl");
    Path some = Files.writeString(folder.resolve("some.jsonl"), "");
    assertThat(run("score", MODEL.toString(), "--cases", none.toString())).isEqualTo(2);
    assertThat(run("score", none.toString(), "--cases", some.toString())).isEqualTo(2);
    assertThat(err.toString().lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("--cases: ", "none.jsonl is no file"),
            line -> assertThat(line).contains("MODEL: ", "none.jsonl does not exist"));
  }
}
