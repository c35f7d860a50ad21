package dev.s3llm.examples.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.cli.CommandTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        "bench step --model llama-1b --steps 0          | --steps must be from 1 to 1000, but is 0",
        "bench serve --model llama-1b --trace x --kv-gb 0          | --kv-gb must be above 0",
        "bench serve --model llama-1b --trace x --kv-gb 1          | --trace x",
        "bench serve --model llama-1b --trace x --kv-gb 1 --policy best | --policy best",
        "bench serve --model llama-1b --trace x --kv-gb 1 --seconds 0   | --seconds must be",
        "generate --device gpu Hi                       | 'gpu' is no device",
        "generate --device cuda: Hi                     | 'cuda:' is no device",
        "generate --device cuda:0,x Hi                  | 'cuda:0,x' is no device",
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
}
