package dev.s3llm.examples.cli.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.cli.CommandTest;
import dev.s3llm.simulate.Trace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RecordCommandTest extends CommandTest {
  @TempDir Path folder;

  @Test
  void requestsOfALiveEngine_areATraceThatReplayReads() throws IOException {
    Path prompts =
        Files.writeString(
            folder.resolve("prompts.jsonl"),
            """
            {"id": "a", "prompt": "What is 2+2?", "limit": 5, "tenant": "gold", "priority": 2}
            {"id": "b", "prompt": "Tell me a story.", "limit": 400, "cancelled_s": 0.000001}
            {"id": "c", "prompt": "Tell me another.", "limit": 7, "deadline_s": 600}
            """);
    Path trace = folder.resolve("trace.csv");

    int code = run("record", "--prompts", "" + prompts, "--out", "" + trace, "--order", "spf:9");

    assertThat(code).as(err.toString()).isZero();
    assertThat(err.toString()).contains("3 requests in ", "3 recorded in " + trace);
    List<Trace.Request> requests =
        Trace.read(trace).requests().stream()
            .sorted(Comparator.comparingInt(request -> request.terms().limitTokens()))
            .toList();
    assertThat(requests).allMatch(request -> request.predictedTokens() > 0);
    assertThat(requests.get(0).tenant()).isEqualTo("gold");
    assertThat(requests.get(0).terms().priority()).isEqualTo(2);
    assertThat(requests.get(0).outputTokens()).isBetween(1, 5);
    assertThat(requests.get(1).terms().deadlineNanos()).isEqualTo(600_000_000_000L);
    assertThat(requests.get(2).terms().limitTokens()).isEqualTo(400);
    assertThat(requests.get(2).terms().cancelledNanos()).isLessThan(Long.MAX_VALUE);
    List<String> replay =
        List.of("replay", "--trace", "" + trace, "--model", "llama-13b", "--gpu", "h200");
    assertThat(run(replay, "--kv-gb", "4", "--predictor", "column", "--by", "tenant"))
        .as(err.toString())
        .isZero();
    assertThat(out.toString()).contains("gold");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "record Hi|Missing required option: '--out=FILE'",
        "record --out none/trace.csv Hi|--out none/trace.csv: must be a file in a folder that exists",
        "record --out trace.csv --rate -1 Hi|--rate must be from 0 to 1000000, but is -1.0",
        "record --out trace.csv --order lifo Hi|--order lifo: must be one of fcfs,",
      })
  void badInput_isNamed(String line, String message) {
    assertThat(run(line.split(" "))).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }

  @Test
  void badTerms_areNamed() throws IOException {
    Path prompts =
        Files.writeString(
            folder.resolve("p.jsonl"), "{\"id\":\"a\",\"prompt\":\"x\",\"deadline_s\":\"soon\"}\n");

    assertThat(run("record", "--prompts", "" + prompts, "--out", "" + folder.resolve("t.csv")))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("line 1: deadline_s must be a number of at most 1000000000, but is \"soon\"");
  }
}
