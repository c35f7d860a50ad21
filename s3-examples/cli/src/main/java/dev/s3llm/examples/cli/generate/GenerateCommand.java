package dev.s3llm.examples.cli.generate;

import dev.s3llm.examples.cli.generate.GenerationRun.Outcome;
import dev.s3llm.examples.cli.options.Prompt;
import dev.s3llm.examples.cli.options.PromptOptions;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.Progress;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.onnx.LengthModelException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Answers prompts with a model, or compares planners on them. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Answers prompts; without prompts, the embedded ones.")
public final class GenerateCommand implements Callable<Integer> {
  @Mixin private GenerateOptions options = new GenerateOptions();
  @Mixin private PromptOptions promptOptions = new PromptOptions();

  @Option(names = "--json", paramLabel = "FILE", description = "write answers as JSON lines")
  private @Nullable Path json;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "arrivals per second of a Poisson process (default: all at once)",
      defaultValue = "0")
  private double ratePerSecond;

  @Option(names = "--compare", description = "run every planner and print a table")
  private boolean compare;

  @Option(
      names = "--compare-predictors",
      description = "run the s3 planner with every predictor, and with exact lengths")
  private boolean comparePredictors;

  @Option(
      names = "--simulate",
      description =
          "with --compare: simulate the same answers with this machine's step times, beside the runs")
  private boolean simulate;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  GenerateCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<Prompt> prompts = promptOptions.prompts();
    check();
    try {
      GenerationRun run = new GenerationRun(options.model.path(), options);
      return compare || comparePredictors ? compare(run, prompts) : generate(run, prompts);
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    } catch (LengthModelException e) {
      throw new UsageException("--length-model: " + e.getMessage());
    }
  }

  private void check() {
    if (!(ratePerSecond >= 0 && ratePerSecond < 1e6)) {
      throw new UsageException("--rate must be from 0 to 1000000, but is " + ratePerSecond);
    }
    if (simulate && (!compare || comparePredictors || ratePerSecond > 0)) {
      throw new UsageException(
          "--simulate needs --compare, without --compare-predictors, and all prompts at once:"
              + " no --rate");
    }
    options.check();
  }

  private int generate(GenerationRun run, List<Prompt> prompts)
      throws IOException, InterruptedException {
    boolean single = prompts.size() == 1;
    Outcome outcome;
    try (Progress progress = single ? Progress.none() : Progress.of("answers", prompts.size())) {
      outcome =
          run.run(
              prompts,
              options.planner,
              options.predictor().create(options.lengthModelFolder()),
              ratePerSecond,
              this::print,
              answer -> {
                progress.step();
                if (!single) {
                  print("== %s%n%s%n%n".formatted(answer.id(), answer.text()));
                }
              });
    }
    write(outcome.answers());
    summarise(outcome);
    return outcome.answers().stream().anyMatch(a -> a.finishReason().equals("failed")) ? 1 : 0;
  }

  private void summarise(Outcome outcome) {
    spec.commandLine()
        .getErr()
        .printf(
            "%d answers, %d tokens in %.2f s: %.1f tokens/s, %d preemptions%n",
            outcome.answers().size(),
            outcome.outputTokens(),
            outcome.seconds(),
            outcome.outputTokens() / outcome.seconds(),
            outcome.end().work().preemptions())
        .flush();
  }

  private int compare(GenerationRun run, List<Prompt> prompts)
      throws IOException, InterruptedException {
    Comparison comparison = new Comparison(run, prompts, ratePerSecond, options); // warms up
    StepTimeFit steps = new StepTimeFit();
    if (simulate) {
      run.observe(steps);
    }
    List<Outcome> outcomes = outcomes(comparison, prompts.size());
    print(ComparisonTable.of(comparison.labels(), outcomes));
    if (simulate) {
      SimulatedComparison simulated =
          new SimulatedComparison(
              outcomes.get(0).answers(), run.profile(), options.maxNewTokens, steps);
      print(simulated.table(comparison.labels(), outcomes));
    }
    write(outcomes.stream().flatMap(outcome -> outcome.answers().stream()).toList());
    return ComparisonTable.sameTokens(outcomes) ? 0 : 1;
  }

  private List<Outcome> outcomes(Comparison comparison, int prompts) throws InterruptedException {
    int runs = comparePredictors ? Comparison.PREDICTOR_RUNS : Comparison.PLANNER_RUNS;
    try (Progress progress = Progress.of("answers", runs * prompts)) {
      return comparePredictors
          ? comparison.predictors(progress::step)
          : comparison.planners(progress::step);
    }
  }

  private void write(List<Answer> answers) throws IOException {
    if (json != null) {
      Json.writeLines(json, answers);
    }
  }

  private void print(String text) {
    PrintWriter out = spec.commandLine().getOut();
    out.print(text);
    out.flush();
  }
}
