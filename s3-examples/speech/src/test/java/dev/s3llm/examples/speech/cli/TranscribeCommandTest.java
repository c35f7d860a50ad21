package dev.s3llm.examples.speech.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.speech.audio.Wav;
import dev.s3llm.examples.speech.transcribe.Recordings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class TranscribeCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  private int run(String... args) {
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(args);
  }

  private List<JsonNode> transcribe(int exitCode, List<Path> files, String... options)
      throws IOException {
    Path json = folder.resolve("rows.jsonl");
    List<String> args = new ArrayList<>(List.of("transcribe", "--json", json.toString()));
    args.addAll(List.of("--kv-budget", "16MiB", "--threads", "2"));
    args.addAll(List.of(options));
    files.forEach(file -> args.add(file.toString()));
    assertThat(run(args.toArray(String[]::new))).as(err.toString()).isEqualTo(exitCode);
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(json)) {
      rows.add(JSON.readTree(line));
    }
    return rows;
  }

  @Test
  void rows_haveTheAgreedFieldsInTheOrderOfTheFiles() throws IOException {
    List<JsonNode> rows = transcribe(0, List.of(Recordings.NAME, Recordings.YES));

    assertThat(rows).hasSize(2);
    assertThat(rows.get(0).fieldNames())
        .toIterable()
        .containsExactly(
            "file",
            "text",
            "seconds",
            "frames",
            "canvas",
            "passes",
            "predicted",
            "doublings",
            "preemptions",
            "total_ms");
    JsonNode yes = rows.get(1);
    assertThat(yes.path("file").asText()).isEqualTo(Recordings.YES.toString());
    assertThat(yes.path("text").asText()).isEqualTo("YES");
    assertThat(yes.path("seconds").asDouble()).isEqualTo(0.9);
    assertThat(yes.path("canvas").asInt()).isEqualTo(8);
    assertThat(yes.path("passes").asInt()).isEqualTo(3);
    assertThat(out.toString()).contains("short.wav: YES");
    assertThat(err.toString()).contains("[2/2]", "2 of 2 recordings");
  }

  @ParameterizedTest
  @CsvSource({"ctc,s3,0,0", "left-to-right,forecast,0,4", "mask-predict,worst-case,8,2"})
  void strategies_fillWhatAppliesToThem(String strategy, String planner, int canvas, int passes)
      throws IOException {
    JsonNode row =
        transcribe(
                0,
                List.of(Recordings.YES),
                "--strategy",
                strategy,
                "--planner",
                planner,
                "--passes",
                "2")
            .get(0);

    assertThat(row.path("text").asText()).isEqualTo("YES");
    assertThat(row.path("canvas").asInt()).isEqualTo(canvas);
    assertThat(row.path("passes").asInt()).isEqualTo(passes);
    assertThat(out.toString()).isEqualToIgnoringNewLines("YES");
  }

  @Test
  void badFiles_getAnErrorEachAndHarmNoOther() throws IOException {
    byte[] yes = Files.readAllBytes(Recordings.YES);
    List<Path> files =
        List.of(
            file("text.wav", "This is no recording.".getBytes(StandardCharsets.US_ASCII)),
            file("truncated.wav", Arrays.copyOf(yes, yes.length / 2)),
            file("empty.wav", new byte[0]),
            file("no-samples.wav", Wav.of(16_000, 1)),
            file("fast.wav", Wav.of(96_000, 1, new int[96_000])),
            file("many.wav", Wav.of(16_000, 8, new int[80_000])),
            hour(),
            folder.resolve("missing.wav"),
            file("silence.wav", Recordings.silence(2)),
            file("noise.wav", Recordings.noise()),
            Recordings.YES);

    List<JsonNode> rows = transcribe(1, files);

    List<String> errors = rows.stream().map(row -> row.path("error").asText()).toList();
    assertThat(errors.get(0)).contains("text.wav", "no WAV file", "convert");
    assertThat(errors.get(1)).contains("truncated.wav", "truncated");
    assertThat(errors.get(2)).contains("is empty");
    assertThat(errors.get(3)).contains("has no samples");
    assertThat(errors.get(4)).contains("96000 samples a second", "convert");
    assertThat(errors.get(5)).contains("8 channels", "convert");
    assertThat(errors.get(6)).contains("3600.0 s", "limit is 60.0 s");
    assertThat(errors.get(7)).contains("does not exist");
    assertThat(errors.subList(8, 11)).containsOnly("");
    assertThat(rows.get(8).path("text").asText()).isEmpty();
    assertThat(rows.get(10).path("text").asText()).isEqualTo("YES");
    errors.subList(0, 8).forEach(error -> assertThat(err.toString()).contains(error));
  }

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  /** Returns an hour of silence, which takes no room on the disk. */
  private Path hour() throws IOException {
    int bytes = 3600 * 32_000;
    byte[] head = Arrays.copyOf(Wav.of(16_000, 1, 0), 44);
    Path path = folder.resolve("hour.wav");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(head);
      file.seek(40);
      file.writeInt(Integer.reverseBytes(bytes));
      file.setLength(44L + bytes);
    }
    return path;
  }

  @Test
  void trace_isOnePageThatLoadsNothing() throws IOException {
    Path page = folder.resolve("page.html");

    transcribe(0, List.of(Recordings.NAME), "--trace", page.toString());

    String html = Files.readString(page);
    assertThat(html)
        .contains("Pass 1: 3 of 9 positions filled", "Pass 3: 9 of 9 positions filled")
        .contains("J E L A E") // the CTC branch
        .contains("J E L I E")
        .doesNotContainPattern("@[A-Z_]+@|<script|<link|src=|url\\(|https?:");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--passes 0 | --passes must be from 1",
        "--passes 2 --passes-under-load 3 | --passes-under-load must be from 0 to 2",
        "--planner best | --planner",
        "--strategy random | --strategy",
        "--kv-budget lots | 'lots' is no size",
        "--kv-budget 10 | --kv-budget",
        "--limit -1 | --limit must be from 0",
        "--limit 4 | --limit must be at least 8",
        "--longest 4000 | --longest must be from 1 to 3600",
        "--model nowhere | nowhere",
        "--json no/folder/rows.jsonl | --json",
        "--trace page.html a.wav | --trace shows one recording",
      })
  void wrongOption_isOneLineAndExitCodeTwo(String options, String message) {
    String[] args = ("transcribe " + options + " b.wav").split(" ");

    assertThat(run(args)).isEqualTo(2);
    assertThat(err.toString()).contains(message).hasLineCount(1);
  }
}
