package dev.s3llm.examples.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.CommandTest;
import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest extends CommandTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bench step --model gpt-5                       | --model: there is no shape gpt-5",
        "bench step --model llama-1b --points 4         | --points: '4' must be BATCHxCONTEXT",
        "bench step --model llama-1b --points 0x5       | --points: '0x5' must be BATCHxCONTEXT",
        "bench step --model llama-1b --points 9999x5    | --points: '9999x5' must be BATCHxCONTEXT",
        "bench step --model llama-1b --vocabulary 9     | --vocabulary must be from 30000 to 524288",
        "bench step --model llama-1b --steps 0          | --steps must be from 1 to 1000, but is 0",
        "bench serve --model llama-1b --trace x --kv-gb 0          | --kv-gb must be above 0",
        "bench serve --model llama-1b --trace x --kv-gb 1          | --trace x",
        "bench serve --model llama-1b --trace x --kv-gb 1 --policy best | --policy best",
        "bench serve --model llama-1b --trace x --kv-gb 1 --seconds 0   | --seconds must be",
        "bench serve --model llama-1b --trace x --kv-gb 1 --rate 0      | --rate must be from",
        "bench serve --model llama-1b --trace x --kv-gb 1 --order lifo  | --order lifo: must be one",
        "bench serve --model llama-1b --trace x --kv-gb 1 --warm-up -1  | --warm-up must be from 0",
        "bench serve --model llama-1b --trace x --kv-gb 1 --device tpu  | --device tpu: must be cuda",
        "bench serve --model llama-1b --trace x --kv-gb 1 --device cpu  | --device cpu: needs --rate",
        "bench serve --model none --trace x --kv-gb 1                   | --model: there is no shape",
        "bench load nowhere                                            | MODEL: ",
        "bench load nowhere --times 0                                  | --times must be at least 1",
        "bench load nowhere --weights int3                             | 'int3' is no format",
        "generate --device gpu Hi                       | 'gpu' is no device",
        "generate --device cuda: Hi                     | 'cuda:' is no device",
        "generate --device cuda:0,x Hi                  | 'cuda:0,x' is no device",
        "generate --device cuda:0+1,2 Hi                | 'cuda:0+1,2' is no device",
      })
  void badOption_isNamed(String line, String message) {
    assertThat(run(line.strip().split(" "))).isEqualTo(2);
    assertThat(err.toString()).contains(message).hasLineCount(1);
  }

  @Test
  void traceWithoutPredictions_isRefusedByThoseThatReadThem() throws IOException {
    Path trace =
        Files.writeString(
            folder.resolve("t.csv"), "arrival_s,prompt_tokens,output_tokens\n0,5,5\n");
    assertThat(
            run(
                "bench",
                "serve",
                "--model",
                "llama-1b",
                "--kv-gb",
                "1",
                "--trace",
                trace.toString()))
        .isEqualTo(2);
    assertThat(err.toString()).contains("lacks the column predicted_tokens");
  }

  @Test
  void rates_measureEachOrderOnTheSameRequests() throws IOException {
    StringBuilder rows = new StringBuilder("arrival_s,prompt_tokens,output_tokens,tenant\n");
    for (int i = 0; i < 30; i++) {
      rows.append("0,").append(5 + i % 4).append(',').append(3 + i % 9).append(",t\n");
    }
    Path trace = Files.writeString(folder.resolve("trace.csv"), rows);
    Path json = folder.resolve("out.json");

    int code =
        run(
            "bench",
            "serve",
            "--device",
            "cpu",
            "--model",
            "" + SmallModel.unpack(),
            "--kv-gb",
            "0.05",
            "--trace",
            "" + trace,
            "--rate",
            "100,200",
            "--requests",
            "20",
            "--policy",
            "forecast",
            "--order",
            "fcfs,spf:50",
            "--predictor",
            "exact",
            "--error",
            "noise:0.5",
            "--slo-ttft",
            "100",
            "--warm-up",
            "0.1",
            "--json",
            "" + json);

    assertThat(code).as(err.toString()).isZero();
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    JsonNode runs = root.path("runs");
    assertThat(runs)
        .extracting(run -> run.path("rate").intValue() + " " + run.path("order").textValue())
        .containsExactly("100 fcfs", "100 spf:50", "200 fcfs", "200 spf:50");
    for (JsonNode run : runs) {
      assertThat(run.path("finished").intValue()).isEqualTo(20);
      assertThat(run.path("slo_met").intValue()).isEqualTo(20);
      double seconds = run.path("makespan_s").doubleValue();
      assertThat(run.path("throughput_tok_s").doubleValue() * seconds)
          .isCloseTo(tokensOfTheFirst(20), within(1e-6));
      assertThat(run.path("goodput_rps").doubleValue() * seconds).isCloseTo(20, within(1e-6));
      assertThat(run.path("total_mean_s").doubleValue())
          .isBetween(run.path("ttft_mean_s").doubleValue(), seconds);
      assertThat(run.path("slowdown_mean").isNull()).isTrue();
    }
    assertThat(out.toString()).contains("ttft mean", "tpot p50", "goodput", "spf:50");
  }

  private static double tokensOfTheFirst(int requests) {
    return IntStream.range(0, requests).map(i -> 3 + i % 9).sum();
  }
}
