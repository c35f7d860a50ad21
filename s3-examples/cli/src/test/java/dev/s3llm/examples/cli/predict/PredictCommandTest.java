package dev.s3llm.examples.cli.predict;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.CommandTest;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PredictCommandTest extends CommandTest {
  @TempDir Path folder;

  @Test
  void predictions_areWrittenWithExactlyTheDocumentedFields() throws IOException {
    Path json = folder.resolve("lengths.jsonl");
    assertThat(run("predict", "--json", json.toString(), "What is 2+2?", "Write a story."))
        .as(err.toString())
        .isZero();
    List<String> lines = Files.readAllLines(json);
    List<String> fields = new ArrayList<>();
    JsonNode first = new ObjectMapper().readTree(lines.get(0));
    first.fieldNames().forEachRemaining(fields::add);

    assertThat(lines).hasSize(2);
    assertThat(fields).containsExactly("id", "prompt", "p50", "p90", "p99", "mean", "latency_us");
    assertThat(first.get("p50").asInt()).isBetween(1, first.get("p90").asInt());
    assertThat(first.get("p90").asInt()).isBetween(1, first.get("p99").asInt());
    assertThat(first.get("p99").asInt()).isLessThanOrEqualTo(256);
    assertThat(out.toString()).contains("What is 2+2?");
  }

  @Test
  void embeddedLengthModel_countsInTheTokensOfTheEmbeddedModel() throws Exception {
    byte[] tokenizer = Files.readAllBytes(SmallModel.unpack().resolve("tokenizer.json"));
    try (OnnxLengthPredictor predictor = OnnxLengthPredictor.load(SmallModel.unpackLengthModel())) {
      assertThat(predictor.lengthTokenizer())
          .isEqualTo(
              HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(tokenizer)));
    }
  }

  @Test
  void evaluation_prefersTheModelThatKnows() throws IOException {
    Path rows = folder.resolve("rows.jsonl");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String prompt = i % 2 == 0 ? "What is %d plus %d?" : "toolformer: enabled, search %d and %d";
      lines.add(
          "{\"prompt\": \"%s\", \"output_tokens\": %d}"
              .formatted(prompt.formatted(i, i + 1), i % 2 == 0 ? 70 : 22));
    }
    Files.write(rows, lines);
    assertThat(run("predict", "--evaluate", rows.toString())).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("onnx, calibrated", "empirical", "prompt length", "constant", "40 rows");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"prompt\": 3, \"output_tokens\": 4} | line 1: prompt",
        "{\"prompt\": \"x\"} | output_tokens must be an integer of at least 1, but is missing",
        "{\"prompt\": \"x\", \"output_tokens\": 0} | but is 0",
        "{\"prompt\": \"x\", \"output_tokens\": 1e99} | output_tokens",
        "{ | not valid JSON",
        "{\"prompt\": \"x\", \"output_tokens\": 5} | at least 10 are needed"
      })
  void badRows_areRefusedWithTheirLine(String row, String message) throws IOException {
    Path rows = folder.resolve("rows.jsonl");
    Files.writeString(rows, row);
    assertThat(run("predict", "--evaluate", rows.toString())).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--max-new-tokens 0 x | --max-new-tokens must be at least 1",
        "--threads 0 x | threads must be from 1 to 64",
        "--length-model /nowhere x | --length-model: /nowhere",
        "--evaluate f x | --evaluate brings its own prompts",
        "--prompts f x | not both",
        "--evaluate /nowhere | cannot be read"
      })
  void badArguments_areRefusedByName(String arguments, String message) {
    List<String> all = new ArrayList<>(List.of("predict"));
    all.addAll(List.of(arguments.split(" ")));
    assertThat(run(all.toArray(String[]::new))).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }

  @Test
  void metrics_areWhatTheySay() {
    LengthMetrics metrics = new LengthMetrics(100);
    IntStream.of(10, 20, 30, 40)
        .forEach(n -> metrics.add("one", LengthPrediction.exactly(n), n + (n == 40 ? 5 : 0)));
    assertThat(metrics.meanAbsoluteError()).isEqualTo(5 / 4.0);
    assertThat(metrics.kendallTau()).isEqualTo(1);
    assertThat(metrics.coverage(0.9)).isEqualTo(0.75);
    assertThat(metrics.reservedOverUsed(0.9)).isEqualTo(100 / 105.0);
    assertThat(metrics.bucketAccuracy()).isEqualTo(0.75);
  }

  @Test
  void tauWithinKinds_leavesOutTheOrderBetweenThem() {
    LengthMetrics metrics = new LengthMetrics(100);
    IntStream.of(10, 20, 30)
        .forEach(n -> metrics.add("short", LengthPrediction.exactly(n), 40 - n));
    IntStream.of(60, 70, 80).forEach(n -> metrics.add("long", LengthPrediction.exactly(n), n));
    assertThat(metrics.kendallTau()).isEqualTo(9 / 15.0);
    assertThat(metrics.kendallTauWithinKinds()).isZero();
  }
}
