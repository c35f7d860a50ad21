package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.page.CanvasPage;
import dev.s3llm.examples.speech.page.CanvasTrace;
import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.examples.speech.transcribe.TranscriptionOptions;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Transcribes WAV files. */
@Command(
    name = "transcribe",
    mixinStandardHelpOptions = true,
    description = "Transcribes WAV files, all of which are submitted at once.",
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:every file was transcribed; a text may be empty",
      "1:a file could not be transcribed (the others were), or the program failed",
      "2:an option or the model cannot be used"
    })
final class TranscribeCommand implements Callable<Integer> {
  @Mixin private SpeechOptions options = new SpeechOptions();
  @Mixin private DecodingOptions decoding = new DecodingOptions();

  @Option(
      names = "--planner",
      paramLabel = "NAME",
      description = "worst-case, s3, on-demand or forecast (default: ${DEFAULT-VALUE})",
      defaultValue = "s3")
  private PlannerChoice planner = PlannerChoice.S3;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "write one line of JSON for each recording")
  private @Nullable Path json;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "write a page (HTML) that shows how the canvas is filled; for one recording only")
  private @Nullable Path trace;

  @Parameters(
      paramLabel = "FILE.wav",
      arity = "1..*",
      description = "WAV files: 16-bit PCM, 8 to 48 kHz, one or two channels")
  private List<Path> files = List.of();

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  TranscribeCommand() {}

  @Override
  public Integer call() throws IOException {
    Decoding way = decoding.decoding();
    options.check();
    requireWritable("--json", json);
    requireWritable("--trace", trace);
    if (trace != null && files.size() != 1) {
      throw new UsageException("--trace shows one recording, but there are " + files.size());
    }
    try (SpeechModel model = options.open();
        Transcriber transcriber = options.start(model, way, planner)) {
      TranscriptionRun run = new TranscriptionRun(transcriber, spec.commandLine().getErr());
      CanvasTrace picture = new CanvasTrace();
      List<TranscriptionRun.Outcome> outcomes =
          run.run(
              files,
              trace == null ? TranscriptionOptions.NONE : TranscriptionOptions.NONE.with(picture));
      write(outcomes);
      if (trace != null) {
        writePage(trace, transcriber, picture, outcomes.get(0));
      }
      return outcomes.stream().allMatch(outcome -> outcome.result() != null) ? 0 : 1;
    }
  }

  private static void requireWritable(String option, @Nullable Path file) {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file) || folder == null || !Files.isDirectory(folder)) {
      throw new UsageException(option + " " + file + ": must be a file in a folder that exists");
    }
  }

  private void write(List<TranscriptionRun.Outcome> outcomes) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    List<String> rows = new ArrayList<>();
    for (TranscriptionRun.Outcome outcome : outcomes) {
      rows.add(outcome.row());
      if (outcome.result() != null) {
        out.println(files.size() == 1 ? outcome.text() : outcome.file() + ": " + outcome.text());
      }
    }
    out.flush();
    if (json != null) {
      Files.write(json, rows);
    }
  }

  private void writePage(
      Path file, Transcriber transcriber, CanvasTrace picture, TranscriptionRun.Outcome outcome)
      throws IOException {
    if (outcome.result() == null) {
      return;
    }
    Transcription ctc =
        transcriber
            .submit(
                transcriber.read(files.get(0)),
                TranscriptionOptions.NONE.with(Decoding.of(Strategy.CTC, 1)))
            .result()
            .join();
    CanvasPage page = new CanvasPage(transcriber.model(), outcome.file(), decoding.strategyName());
    Files.writeString(file, page.html(picture, outcome.result(), ctc));
  }
}
