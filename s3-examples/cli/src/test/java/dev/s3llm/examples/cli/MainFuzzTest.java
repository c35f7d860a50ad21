package dev.s3llm.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/**
 * Any arguments, one on each line, give a result or one line with an error. The test moves the
 * paths of options into a folder of its own, and removes parts of arguments that could lead out of
 * it. No model exists there, so that no run takes minutes.
 */
@Timeout(60)
class MainFuzzTest {
  private static final Set<String> PATHS =
      Set.of(
          "--trace",
          "--json",
          "--html",
          "--prompts",
          "--evaluate",
          "--length-model",
          "--model",
          "--gpu");
  private static final Set<String> PRESETS = Set.of("gpt-j-6b", "llama-13b", "h200", "a100-80gb");
  private static final int MAX_ARGUMENTS = 40;

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    String replay = "replay\n--trace\nt.csv\n--model\nllama-13b\n--gpu\nh200\n--kv-gb\n4";
    return Stream.of(
            "--help",
            "--version",
            "devices",
            "replay",
            replay,
            replay + "\n--policy\nforecast,s3\n--order\nspf\n--sweep\nkv-gb=1,2\n--json\nout.json",
            replay + "\n--arrivals\npoisson:3\n--speedup=2\n--error\nswap:0.5\n--predictor\nexact",
            replay + "\n--slo-tpot\n0.05\n--keep-tpot\n--html=out.html\n--max-running\n3",
            replay
                + "\n--block-tokens\n16777216\n--max-length\n16777216\n--max-tokens-per-step\n1024",
            replay + "\n--model=m.json\n--sweep\nepsilon=1e-9",
            replay.replace("replay", "capacity") + "\n--slo-ttft\n1e-3\n--share\n0.5\n--rate\n7",
            "generate\n--kv-budget\n1e9GB\n--device\ncuda:0,1\nhello",
            "generate\n--top-p\nNaN\n--rate\n1\n--prompts\np.jsonl",
            "predict\n--max-new-tokens\n-1\n--evaluate\ne.jsonl",
            "bench\nstep\n--model\nllama-1b\n--points\n1x1",
            "bench\nserve\n--model\nllama-1b\n--trace\nt.csv\n--kv-gb\nNaN",
            "bench\nsoak",
            "bench\nsoak\n--minutes\n0.01\n--kv-budget\n1MiB\n--fault-every\n1")
        .map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  @BeforeEach
  void writeFiles() throws IOException {
    Files.writeString(
        folder.resolve("t.csv"),
        "arrival_s,prompt_tokens,output_tokens\n0,30,20\n0.5,40,8\n0.5,2000,3\n");
    Files.writeString(
        folder.resolve("m.json"),
        "{\"name\": \"m\", \"parameters\": 1e9, \"kvBytesPerToken\": 1000}");
    Files.writeString(folder.resolve("p.jsonl"), "{\"id\": \"a\", \"prompt\": \"b\"}\n");
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyArguments_endInAnAnswerOrOneLine(byte[] content) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .setExpandAtFiles(false);

    int code = commandLine.execute(arguments(new String(content, StandardCharsets.UTF_8)));

    assertThat(code).isIn(0, 1, 2);
    if (code != 0) {
      assertThat(err.toString()).isNotBlank().doesNotContain("\tat ");
    }
    if (code == 1) {
      assertThat(err.toString())
          .as("failures that are nobody's fault")
          .containsAnyOf("cuda", "CUDA", "JCuda", "jcuda");
    }
  }

  private static String[] arguments(String text) {
    List<String> arguments = new ArrayList<>();
    String option = "";
    for (String line : text.split("\n", MAX_ARGUMENTS)) {
      String plain = line.replace("/", "").replace("\\", "").replace("..", "").replace("\0", "");
      int equals = plain.indexOf('=');
      String name = equals < 0 ? "" : plain.substring(0, equals);
      if (PATHS.contains(name)) {
        arguments.add(name + "=" + within(plain.substring(equals + 1)));
      } else {
        arguments.add(PATHS.contains(option) ? within(plain) : plain);
      }
      option = plain;
    }
    // otherwise the embedded models would run
    if (arguments.contains("predict")) {
      arguments.add("--length-model=" + folder.resolve("none"));
    }
    if (arguments.contains("generate") || arguments.contains("soak")) {
      arguments.add("--model=" + folder.resolve("none"));
    }
    return arguments.toArray(String[]::new);
  }

  private static String within(String name) {
    return PRESETS.contains(name) ? name : folder + "/" + name;
  }
}
