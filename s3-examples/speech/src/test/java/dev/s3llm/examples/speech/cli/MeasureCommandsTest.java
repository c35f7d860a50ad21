package dev.s3llm.examples.speech.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.speech.transcribe.Recordings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MeasureCommandsTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  @BeforeEach
  void copyRecordings() throws IOException {
    Files.copy(Recordings.YES, folder.resolve("a.wav"));
    Files.copy(Recordings.NAME, folder.resolve("b.wav"));
    Files.writeString(folder.resolve("transcripts.tsv"), "a.wav\tYES\nb.wav\tJ U L I E\n");
  }

  private int run(String... args) {
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(args);
  }

  @Test
  void evaluate_measuresEveryStrategy() {
    int code = run("evaluate", "--kv-budget", "16MiB", "--threads", "2", folder.toString());

    assertThat(code).as(err.toString()).isZero();
    // one of 12 characters, and one of 6 words, is wrong
    assertThat(out.toString())
        .contains("| left to right | 8.33 | 16.67 | 1 of 2 | 0.00 | 7.00 | 0 |")
        .contains("| easy first, K = 3 | 8.33 | 16.67 | 1 of 2 | 0.00 | 3.00 | 0 |")
        .contains("| Mask-CTC | ", "| encoder (CTC) | 0.00 |");
  }

  @Test
  void bench_findsTheSameTextsUnderAllPlanners() {
    int code =
        run("bench", "--kv-budget", "4MiB", "--threads", "2", "--rounds", "2", folder.toString());

    assertThat(code).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("| worst-case | ", "| s3 | ", "| on-demand | ", "| forecast | ")
        .contains("All planners gave the same texts.");
  }

  @Test
  void load_comparesFixedPassesWithThoseByLoad() {
    int code = run("load", "--rate", "20", "--seconds", "1", "--threads", "2", folder.toString());

    assertThat(code).as(err.toString()).isZero();
    assertThat(out.toString()).contains("| 20 | 5 | ", "| 20 | 1 | ", "| 20 | 5 or 1 | ");
  }

  @Test
  void rateOfZero_isRefused() {
    assertThat(run("load", "--rate", "0", folder.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("--rate must be above 0");
  }

  @Test
  void folderWithoutTexts_isRefused() throws IOException {
    Files.delete(folder.resolve("transcripts.tsv"));

    assertThat(run("evaluate", folder.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("transcripts.tsv: does not exist");
  }
}
