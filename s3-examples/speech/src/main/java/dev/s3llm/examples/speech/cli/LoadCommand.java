package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.measure.ErrorCount;
import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.examples.speech.transcribe.TranscriptionJob;
import dev.s3llm.model.speech.Decoding;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares a fixed number of passes with one that is chosen by load. */
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    description =
        "Submits recordings at random times (Poisson) at several rates, easy first, with a fixed"
            + " number of passes, with fewer, and with the number chosen by load. Prints a table in"
            + " Markdown.")
final class LoadCommand implements Callable<Integer> {
  @Mixin private SpeechOptions options = new SpeechOptions();

  @Option(
      names = "--rate",
      paramLabel = "A,B,C",
      split = ",",
      description = "recordings a second (default: ${DEFAULT-VALUE})",
      defaultValue = "10,20,40")
  private List<Double> rates = List.of();

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "duration of each run (default: ${DEFAULT-VALUE})",
      defaultValue = "10")
  private int seconds;

  @Option(
      names = "--passes",
      paramLabel = "K",
      description = "passes while no recording waits (default: ${DEFAULT-VALUE})",
      defaultValue = "5")
  private int passes;

  @Option(
      names = "--passes-under-load",
      paramLabel = "K",
      description = "passes while other recordings wait (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  private int passesUnderLoad;

  @Option(
      names = "--planner",
      paramLabel = "NAME",
      description = "memory planner (default: ${DEFAULT-VALUE})",
      defaultValue = "s3")
  private PlannerChoice planner = PlannerChoice.S3;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "seed of the arrivals (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  private long seed;

  @Parameters(paramLabel = "FOLDER", description = "WAV files with a table transcripts.tsv")
  private Path folder = Path.of("");

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  LoadCommand() {}

  @Override
  public Integer call() throws IOException {
    options.check();
    checkNumbers();
    List<Decoding> ways =
        List.of(way(passes, 0), way(passesUnderLoad, 0), way(passes, passesUnderLoad));
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "| recordings a second | passes | finished a second | ms, median | ms, 99 % | passes made,"
            + " mean | characters wrong, % |");
    out.println("| --- | --- | --- | --- | --- | --- | --- |");
    for (double rate : rates) {
      for (Decoding way : ways) {
        out.println(row(rate, way));
        out.flush();
      }
    }
    return 0;
  }

  private void checkNumbers() {
    SpeechOptions.requireBetween("--seconds", seconds, 1, 3600);
    for (double rate : rates) {
      if (!(rate > 0 && rate <= 1e6)) {
        throw new UsageException("--rate must be above 0 and at most 1000000, but is " + rate);
      }
    }
  }

  private static Decoding way(int most, int underLoad) {
    return SpeechOptions.decoding(StrategyChoice.EASY_FIRST.strategy(), most, underLoad);
  }

  private String row(double rate, Decoding way) throws IOException {
    try (SpeechModel model = options.open();
        Transcriber transcriber = options.start(model, way, planner)) {
      Corpus corpus = Corpus.read(folder, transcriber);
      corpus.recordings().forEach(r -> transcriber.submit(r.speech()).result().join()); // warms up
      long start = System.nanoTime();
      List<TranscriptionJob> jobs = submitAll(corpus, transcriber, rate, start);
      List<Transcription> texts = jobs.stream().map(job -> job.result().join()).toList();
      return row(rate, way, corpus, texts, (System.nanoTime() - start) / 1e9);
    }
  }

  /** Submits recordings in turn, each at its time however many are not finished. */
  private List<TranscriptionJob> submitAll(
      Corpus corpus, Transcriber transcriber, double rate, long start) {
    Random chance = new Random(seed);
    List<TranscriptionJob> jobs = new ArrayList<>();
    double at = 0;
    while (at < seconds) {
      long wait = start + (long) (at * 1e9) - System.nanoTime();
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
      Corpus.Recording next = corpus.recordings().get(jobs.size() % corpus.recordings().size());
      jobs.add(transcriber.submit(next.speech()));
      at -= Math.log(1 - chance.nextDouble()) / rate;
    }
    return jobs;
  }

  private static String row(
      double rate, Decoding way, Corpus corpus, List<Transcription> texts, double elapsed) {
    ErrorCount errors = new ErrorCount();
    for (int i = 0; i < texts.size(); i++) {
      Corpus.Recording recording = corpus.recordings().get(i % corpus.recordings().size());
      errors.add(recording.text(), texts.get(i).text());
    }
    double[] millis = texts.stream().mapToDouble(t -> t.total().toNanos() / 1e6).sorted().toArray();
    boolean fixed = way.passes() == way.leastPasses();
    return String.format(
        Locale.ROOT,
        "| %.0f | %s | %.1f | %.1f | %.1f | %.2f | %.2f |",
        rate,
        fixed ? "" + way.passes() : "%d or %d".formatted(way.passes(), way.leastPasses()),
        texts.size() / elapsed,
        millis[millis.length / 2],
        millis[Math.min(millis.length - 1, millis.length * 99 / 100)],
        texts.stream().mapToInt(text -> text.canvas().passes()).average().orElse(0),
        errors.charactersWrongPercent());
  }
}
