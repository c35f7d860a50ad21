package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.examples.speech.transcribe.TranscriptionJob;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.observe.EngineSnapshot;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares the memory planners at equal memory. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description =
        "Transcribes a folder of recordings under every planner at equal memory, all recordings at"
            + " once, and compares them. Prints a table in Markdown; exit code 1 if a text"
            + " differs.")
final class BenchCommand implements Callable<Integer> {
  @Mixin private SpeechOptions options = new SpeechOptions();
  @Mixin private DecodingOptions decoding = new DecodingOptions();

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "how often each recording is submitted (default: ${DEFAULT-VALUE})",
      defaultValue = "4")
  private int rounds;

  @Option(
      names = "--planner",
      paramLabel = "NAME",
      description = "planners to compare, separated by commas (default: all)",
      split = ",")
  private List<PlannerChoice> planners = List.of(PlannerChoice.values());

  @Parameters(paramLabel = "FOLDER", description = "WAV files with a table transcripts.tsv")
  private Path folder = Path.of("");

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  BenchCommand() {}

  /** What a run of all recordings took. */
  private record Outcome(List<Transcription> texts, double seconds, EngineSnapshot end) {
    double perSecond() {
      return texts.size() / seconds;
    }
  }

  @Override
  public Integer call() throws IOException {
    options.check();
    SpeechOptions.requireBetween("--rounds", rounds, 1, 10_000);
    Decoding way = decoding.decoding();
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "| planner | utterances a second | against the first | reservations too short | preemptions"
            + " | sequences in a step, mean | steps |");
    out.println("| --- | --- | --- | --- | --- | --- | --- |");
    @Nullable Outcome first = null;
    boolean same = true;
    for (PlannerChoice planner : planners) {
      Outcome outcome = run(way, planner);
      first = first == null ? outcome : first;
      same &= texts(first).equals(texts(outcome));
      print(out, planner, first, outcome);
    }
    out.println(same ? "\nAll planners gave the same texts." : "\nTexts differ between planners.");
    out.flush();
    return same ? 0 : 1;
  }

  private static List<String> texts(Outcome outcome) {
    return outcome.texts().stream().map(Transcription::text).toList();
  }

  private Outcome run(Decoding way, PlannerChoice planner) throws IOException {
    try (SpeechModel model = options.open();
        Transcriber transcriber = options.start(model, way, planner)) {
      Corpus corpus = Corpus.read(folder, transcriber);
      round(corpus, transcriber, 1); // warms up
      EngineSnapshot before = transcriber.engine().snapshot();
      long start = System.nanoTime();
      List<Transcription> texts = round(corpus, transcriber, rounds);
      double seconds = (System.nanoTime() - start) / 1e9;
      return new Outcome(texts, seconds, difference(before, transcriber.engine().snapshot()));
    }
  }

  private static EngineSnapshot difference(EngineSnapshot before, EngineSnapshot after) {
    EngineSnapshot.Work a = before.work();
    EngineSnapshot.Work b = after.work();
    return new EngineSnapshot(
        after.health(),
        after.requests(),
        after.memory(),
        new EngineSnapshot.Work(
            b.steps() - a.steps(),
            b.promptTokens() - a.promptTokens(),
            b.outputTokens() - a.outputTokens(),
            new EngineSnapshot.Preempted(
                b.preempted().outgrown() - a.preempted().outgrown(),
                b.preempted().reclaimed() - a.preempted().reclaimed(),
                b.preempted().displaced() - a.preempted().displaced()),
            b.recomputedTokens() - a.recomputedTokens(),
            b.swappedTokens() - a.swappedTokens()),
        new EngineSnapshot.Predictions(
            after.predictions().outgrown() - before.predictions().outgrown(),
            after.predictions().fallbacks() - before.predictions().fallbacks(),
            after.predictions().coverageOfP90()),
        after.faults(),
        after.latency(),
        after.tenants());
  }

  private static List<Transcription> round(Corpus corpus, Transcriber transcriber, int rounds) {
    List<TranscriptionJob> jobs = new ArrayList<>();
    for (int i = 0; i < rounds; i++) {
      corpus.recordings().forEach(r -> jobs.add(transcriber.submit(r.speech())));
    }
    return jobs.stream().map(job -> job.result().join()).toList();
  }

  private static void print(
      PrintWriter out, PlannerChoice planner, Outcome first, Outcome outcome) {
    int count = outcome.texts().size();
    double steps = outcome.end().work().steps();
    double parts = // a step for the encoder, and one for each pass
        outcome.texts().stream().mapToInt(text -> 1 + text.canvas().passes()).sum();
    out.printf(
        Locale.ROOT,
        "| %s | %.2f | %.2f | %d of %d (%.1f %%) | %d | %.2f | %.0f |%n",
        planner,
        outcome.perSecond(),
        outcome.perSecond() / first.perSecond(),
        outcome.end().predictions().outgrown(),
        count,
        100.0 * outcome.end().predictions().outgrown() / count,
        outcome.end().work().preemptions(),
        parts / steps,
        steps);
    out.flush();
  }
}
