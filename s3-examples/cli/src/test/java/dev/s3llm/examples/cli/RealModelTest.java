package dev.s3llm.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.model.testing.SharedModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SmolLM2-135M-Instruct in a GGUF file, from the command line. {@link RealModelCheck} runs all
 * prompts and texts; these are a few short ones.
 */
class RealModelTest extends CommandTest {
  /** Beyond it, another token is no matter of rounding. */
  private static final double ROUNDING_MARGIN = 0.01;

  @TempDir Path folder;

  private static Path model() {
    Optional<Path> model = SharedModels.smolLm2();
    Assumptions.assumeTrue(model.isPresent(), "the real model is not there");
    return model.get();
  }

  private List<JsonNode> results(String... arguments) throws IOException {
    Path json = folder.resolve("results.jsonl");
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--json", json.toString()));
    assertThat(run(all)).as(err.toString()).isZero();
    return ReferenceAnswers.rows(json);
  }

  @Test
  void shortAnswers_areThoseOfTransformers() throws IOException {
    Path reference = model().resolveSibling("reference.jsonl");
    List<String> rows = new ArrayList<>();
    for (JsonNode row : ReferenceAnswers.rows(reference)) {
      if (row.get("tokens").size() < 20) {
        rows.add(row.toString());
      }
    }
    Path prompts = Files.write(folder.resolve("prompts.jsonl"), rows);
    List<JsonNode> answers =
        results(
            "generate",
            "--model",
            model().toString(),
            "--greedy",
            "--max-new-tokens",
            "128",
            "--prompts",
            prompts.toString());
    assertThat(answers).hasSizeGreaterThan(4).hasSameSizeAs(rows);
    assertThat(ReferenceAnswers.read(reference).differences(answers))
        .allSatisfy(difference -> assertThat(difference.margin()).isLessThan(ROUNDING_MARGIN));
  }

  @Test
  void score_isThatOfTransformers() throws IOException {
    RealModelCheck.Corpus corpus = RealModelCheck.Corpus.of(model());
    List<String> shortest = corpus.cases(3);
    Path cases = Files.write(folder.resolve("cases.jsonl"), shortest);
    for (JsonNode row : results("score", model().toString(), "--cases", cases.toString())) {
      JsonNode expected = corpus.expected(row.get("id").asText());
      assertThat(row.get("tokens")).isEqualTo(expected.get("tokens"));
      assertThat(row.get("nll").asDouble()).isCloseTo(expected.get("nll").asDouble(), within(0.01));
    }
  }

  /** What 8 bits move: {@code docs/models.md} has the figures of all texts and answers. */
  @Test
  void kvInEightBits_changesScoresAndAnswersLittle() throws IOException {
    RealModelCheck.Corpus corpus = RealModelCheck.Corpus.of(model());
    Path cases = Files.write(folder.resolve("cases.jsonl"), corpus.cases(3));
    double nll = 0;
    double expected = 0;
    long tokens = 0;
    for (JsonNode row :
        results("score", model().toString(), "--cases", cases.toString(), "--kv", "int8")) {
      nll += row.get("nll").asDouble();
      expected += corpus.expected(row.get("id").asText()).get("nll").asDouble();
      tokens += row.get("tokens").asLong() - 1;
    }
    assertThat(nll).isNotCloseTo(expected, within(1e-3));
    assertThat(nll / tokens).isCloseTo(expected / tokens, within(0.1));
  }

  @Test
  void unknownTypeOfKv_isRefusedWithTheTypes() {
    assertThat(run(List.of("score", model().toString(), "--cases", "c", "--kv", "fp4")))
        .isEqualTo(2);
    assertThat(err.toString()).contains("'fp4' is no type of KV; write full or int8");
  }

  @Test
  void inspection_describesTheFile() throws IOException {
    JsonNode row = results("inspect", model().toString()).get(0);
    assertThat(new ObjectMapper().writeValueAsString(row))
        .contains("\"supported\":true", "\"family\":\"llama\"", "\"weight_format\":\"q4_1\"");
    assertThat(row.get("parameters").asLong()).isEqualTo(134_515_008);
    assertThat(row.get("bytes").asLong()).isBetween(90_000_000L, 98_362_432L);
    assertThat(row.get("reason").isNull()).as(row.toString()).isTrue();
  }
}
