package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.measure.ErrorCount;
import dev.s3llm.examples.speech.transcribe.LengthEstimator;
import dev.s3llm.examples.speech.transcribe.LengthTrial;
import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.examples.speech.transcribe.TranscriptionOptions;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures every strategy on recordings whose texts are known. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    description =
        "Measures every strategy on folders of WAV files, each with a table transcripts.tsv (name"
            + " of a file, tab, text): errors, passes, and the time of one recording after another."
            + " Prints a table in Markdown.")
final class EvaluateCommand implements Callable<Integer> {
  @Mixin private SpeechOptions options = new SpeechOptions();

  @Option(
      names = "--repeat",
      paramLabel = "N",
      description =
          "runs of each strategy on each recording, in turn, of which the fastest counts (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = "1")
  private int repeat;

  @Parameters(paramLabel = "FOLDER", arity = "1..*", description = "folders to measure")
  private List<Path> folders = List.of();

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  EvaluateCommand() {}

  /** A way to decode, with its name in the table. */
  private record Way(String name, Decoding decoding) {}

  @Override
  public Integer call() throws IOException {
    options.check();
    SpeechOptions.requireBetween("--repeat", repeat, 1, 1000);
    Decoding usual = Decoding.of(Strategy.EASY_FIRST, 3);
    try (SpeechModel model = options.open();
        Transcriber transcriber = options.start(model, usual, PlannerChoice.S3)) {
      for (Path folder : folders) {
        evaluate(Corpus.read(folder, transcriber), transcriber, options.limit(model));
      }
    }
    return 0;
  }

  private static List<Way> ways(int all) {
    return List.of(
        new Way("left to right", Decoding.of(Strategy.LEFT_TO_RIGHT, 1)),
        new Way("CTC", Decoding.of(Strategy.CTC, 1)),
        new Way("easy first, K = 1", Decoding.of(Strategy.EASY_FIRST, 1)),
        new Way("easy first, K = 3", Decoding.of(Strategy.EASY_FIRST, 3)),
        new Way("easy first, K = 5", Decoding.of(Strategy.EASY_FIRST, 5)),
        new Way("easy first, K = L", Decoding.of(Strategy.EASY_FIRST, all)),
        new Way("leftmost", Decoding.of(Strategy.LEFTMOST, all)),
        new Way("mask-predict, K = 3", Decoding.of(Strategy.MASK_PREDICT, 3)),
        new Way("mask-predict, K = 10", Decoding.of(Strategy.MASK_PREDICT, 10)),
        new Way("Mask-CTC", Decoding.of(Strategy.MASK_CTC, 3)));
  }

  private void evaluate(Corpus corpus, Transcriber transcriber, int all) {
    List<WayFigures> figures = new ArrayList<>();
    ways(all).forEach(way -> figures.add(new WayFigures(way, corpus.recordings().size())));
    for (int i = 0; i < corpus.recordings().size(); i++) {
      for (int run = 0; run < repeat; run++) { // in turn, so that load from outside hits all
        for (WayFigures way : figures) {
          way.run(transcriber, corpus.recordings().get(i), i);
        }
      }
    }
    print(corpus, figures);
    List<String> ctc = figures.get(1).texts;
    printLengths(spec.commandLine().getOut(), corpus, ctc, transcriber.model().config(), all);
  }

  private void print(Corpus corpus, List<WayFigures> figures) {
    PrintWriter out = spec.commandLine().getOut();
    int count = corpus.recordings().size();
    out.printf(
        Locale.ROOT,
        "%s: %d recordings, %.2f s each%n%n",
        corpus.name(),
        count,
        corpus.seconds() / count);
    out.println(
        "| strategy | characters wrong, % | words wrong, % | texts without an error | length error,"
            + " characters | passes | doublings | ms, mean | ms, median | speed |");
    out.println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    double base = figures.get(0).meanMillis();
    figures.forEach(way -> out.println(way.row(base)));
    out.flush();
  }

  /** Prints how well lengths are predicted, before the encoder and after it. */
  private static void printLengths(
      PrintWriter out, Corpus corpus, List<String> ctc, SpeechConfig config, int limit) {
    List<LengthTrial.Sample> samples = new ArrayList<>();
    double afterEncoder = 0;
    for (int i = 0; i < ctc.size(); i++) {
      Corpus.Recording recording = corpus.recordings().get(i);
      int found = ctc.get(i).length();
      int truth = recording.text().length();
      samples.add(new LengthTrial.Sample(recording.speech(), found, truth));
      afterEncoder += (double) Math.abs(found - truth) / ctc.size();
    }
    out.println("\n| length from | mean absolute error, characters |");
    out.println("| --- | --- |");
    for (LengthEstimator estimator : List.of(LengthEstimator.duration(), LengthEstimator.flux())) {
      double error = LengthTrial.meanError(config, estimator, limit, samples);
      out.printf(Locale.ROOT, "| %s | %.2f |%n", estimator.name(), error);
    }
    out.printf(Locale.ROOT, "| encoder (CTC) | %.2f |%n%n", afterEncoder);
    out.flush();
  }

  /** What one way to decode has given. */
  private static final class WayFigures {
    private final Way way;
    private final ErrorCount errors = new ErrorCount();
    private final List<String> texts = new ArrayList<>();
    private final double[] millis;
    private double passes;
    private int doublings;

    WayFigures(Way way, int recordings) {
      this.way = way;
      millis = new double[recordings];
    }

    void run(Transcriber transcriber, Corpus.Recording recording, int number) {
      TranscriptionOptions options = TranscriptionOptions.NONE.with(way.decoding());
      Transcription text = transcriber.submit(recording.speech(), options).result().join();
      double taken = text.total().toNanos() / 1e6;
      if (texts.size() > number) {
        millis[number] = Math.min(millis[number], taken);
        return;
      }
      millis[number] = taken;
      texts.add(text.text());
      errors.add(recording.text(), text.text());
      passes += text.canvas().passes();
      doublings += text.canvas().doublings();
    }

    double meanMillis() {
      return Arrays.stream(millis).average().orElse(0);
    }

    String row(double base) {
      double[] sorted = millis.clone();
      Arrays.sort(sorted);
      return String.format(
          Locale.ROOT,
          "| %s | %.2f | %.2f | %d of %d | %.2f | %.2f | %d | %.1f | %.1f | %.2f |",
          way.name(),
          errors.charactersWrongPercent(),
          errors.wordsWrongPercent(),
          errors.exact(),
          errors.texts(),
          errors.meanLengthError(),
          passes / errors.texts(),
          doublings,
          meanMillis(),
          sorted[sorted.length / 2],
          base / meanMillis());
    }
  }
}
