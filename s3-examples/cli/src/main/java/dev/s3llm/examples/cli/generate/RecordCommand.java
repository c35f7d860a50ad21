package dev.s3llm.examples.cli.generate;

import dev.s3llm.examples.cli.generate.GenerationRun.Outcome;
import dev.s3llm.examples.cli.options.Prompt;
import dev.s3llm.examples.cli.options.PromptOptions;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.Progress;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.onnx.LengthModelException;
import dev.s3llm.simulate.Trace;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Answers prompts with a model and records the requests as a trace for {@code replay}. */
@Command(
    name = "record",
    mixinStandardHelpOptions = true,
    description = {
      "Answers prompts as generate does, and writes the requests as a trace for replay.",
      "An existing file is renamed: trace.csv to trace.1.csv."
    })
public final class RecordCommand implements Callable<Integer> {
  @Mixin private GenerateOptions options = new GenerateOptions();
  @Mixin private PromptOptions promptOptions = new PromptOptions();

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "the trace, as CSV")
  private String out;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description =
          "arrivals per second of a Poisson process; 0: all at once (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  private double ratePerSecond;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  RecordCommand() {}

  @Override
  @SuppressWarnings("try")
  public Integer call() throws InterruptedException {
    List<Prompt> prompts = promptOptions.prompts();
    Path file = Objects.requireNonNull(OutputFile.checked("--out", out)).path();
    if (!(ratePerSecond >= 0 && ratePerSecond < 1e6)) {
      throw new UsageException("--rate must be from 0 to 1000000, but is " + ratePerSecond);
    }
    options.check();
    Trace.Recorder recorder = recorder(file);
    Outcome outcome;
    try (recorder) {
      outcome = run(recorder, prompts);
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    } catch (LengthModelException e) {
      throw new UsageException("--length-model: " + e.getMessage());
    }
    return report(recorder, outcome, file);
  }

  private Trace.Recorder recorder(Path file) {
    try {
      return Trace.recorder(file);
    } catch (IOException e) {
      throw new UsageException("--out " + out + ": cannot be written: " + e);
    }
  }

  private Outcome run(Trace.Recorder recorder, List<Prompt> prompts) throws InterruptedException {
    GenerationRun run = new GenerationRun(options.model.path(), options);
    run.observe(recorder);
    try (Progress progress = Progress.of("answers", prompts.size())) {
      return run.run(
          prompts,
          options.planner,
          options.predictor().create(options.lengthModelFolder()),
          ratePerSecond,
          piece -> {},
          answer -> progress.step());
    }
  }

  private int report(Trace.Recorder recorder, Outcome outcome, Path file) {
    PrintWriter err = spec.commandLine().getErr();
    Optional<String> failure = recorder.failure();
    failure.ifPresent(message -> err.println("s3-cli: " + message));
    err.printf(
            "%d requests in %.2f s, %d recorded in %s%n",
            outcome.answers().size(), outcome.seconds(), recorder.recorded(), file)
        .flush();
    return failure.isPresent() ? 1 : 0;
  }
}
