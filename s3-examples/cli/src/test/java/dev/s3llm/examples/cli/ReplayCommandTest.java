package dev.s3llm.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

final class ReplayCommandTest {
  @TempDir private Path folder;
  private Path trace;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void writeTrace() throws IOException {
    StringBuilder rows = new StringBuilder("arrival_s,prompt_tokens,output_tokens\n");
    for (int i = 0; i < 20; i++) {
      rows.append(i * 0.01).append(',').append(10 + i).append(',').append(5 + 7 * i).append('\n');
    }
    trace = Files.writeString(folder.resolve("trace.csv"), rows);
  }

  @Test
  void json_hasEveryFieldOfEveryRun() throws IOException {
    Path json = folder.resolve("out.json");

    int code = replay("--kv-gb", "4", "--json", json.toString());

    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
    assertThat(out.toString().lines()).hasSize(5);
    JsonNode runs = new ObjectMapper().readTree(json.toFile()).path("runs");
    assertThat(runs).hasSize(4);
    List<String> fields = new ArrayList<>();
    runs.get(1).fieldNames().forEachRemaining(fields::add);
    assertThat(fields)
        .containsExactly(
            "policy",
            "requests",
            "finished",
            "rejected",
            "throughput_tok_s",
            "makespan_s",
            "kv_use",
            "preemptions",
            "recomputed_tokens",
            "swapped_tokens",
            "ttft_p50_s",
            "ttft_p99_s",
            "tpot_p50_s",
            "tpot_p99_s",
            "plan_us_p50",
            "plan_us_p99");
    assertThat(runs.get(1).path("policy").textValue()).isEqualTo("s3");
    assertThat(runs.get(1).path("finished").intValue()).isEqualTo(20);
  }

  @Test
  void profiles_comeFromFiles() throws IOException {
    Path model =
        Files.writeString(
            folder.resolve("m.json"),
            "{\"name\": \"m\", \"parameters\": 1e9, \"kvBytesPerToken\": 1000}");
    Path gpu =
        Files.writeString(
            folder.resolve("g.json"),
            "{\"name\": \"g\", \"bytesPerSecond\": 1e12, \"flops\": 1e14,"
                + " \"overheadNanos\": 1000, \"swapBytesPerSecond\": 1e10}");

    int code = replay("--kv-gb", "0.01", "--model", model.toString(), "--gpu", gpu.toString());

    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--kv-gb|0|--kv-gb 0.0: must be above 0 and at most 100000",
        "--kv-gb|NaN|--kv-gb NaN: must be above 0",
        "--kv-gb|0.001|--kv-gb 0.001: kvBytes must hold from 1 to",
        "--kv-gb|many|'--kv-gb': 'many' is not a double",
        "--model|gpt-5|--model gpt-5: must be one of [gpt-j-6b, llama-13b, llama-33b]",
        "--gpu|none.json|--gpu none.json: cannot be read",
        "--policy|s3,best|--policy best: must be one of",
        "--order|lifo|--order lifo: must be fcfs, dff or spf",
        "--predictor|column|--predictor column: needs the column predicted_tokens",
        "--arrivals|poisson:-1|--arrivals poisson:-1: must be recorded, at-once or poisson:RATE",
        "--max-length|0|--max-length 0: must be from 1 to",
        "--max-running|9000|--max-running 9000: must be at most --max-tokens-per-step, 8192",
        "--max-overtakes|0|--max-overtakes 0: must be at least 1",
        "--trace|none.csv|--trace none.csv: no such file",
        "--json|none/out.json|--json none/out.json: must be a file in a folder that exists",
      })
  void badInput_isOneLineAndExitCodeTwo(String option, String value, String message) {
    int code = replay("--kv-gb", "4", option, value);

    assertThat(code).isEqualTo(2);
    assertThat(err.toString().lines()).singleElement().asString().contains(message);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void memoryBelowMaxLength_isAWarning() {
    assertThat(replay("--kv-gb", "1")).isZero();
    assertThat(err.toString()).contains("--max-length 2048 exceeds what --kv-gb 1.0 holds");
  }

  @Test
  void badTrace_isOneLineAndExitCodeTwo() throws IOException {
    Files.writeString(trace, "arrival_s,prompt_tokens,output_tokens\n0,0,1\n");

    assertThat(replay("--kv-gb", "4")).isEqualTo(2);
    assertThat(err.toString()).contains("line 2: column prompt_tokens is \"0\"");
  }

  /** Later options replace earlier ones. */
  private int replay(String... options) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "replay", "--trace", trace.toString(), "--model", "llama-33b", "--gpu", "h200"));
    args.addAll(Arrays.asList(options));
    CommandLine commandLine = Main.commandLine().setOverwrittenOptionsAllowed(true);
    commandLine.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return commandLine.execute(args.toArray(String[]::new));
  }
}
