package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.cli.GenerationRun.Outcome;
import dev.s3llm.examples.cli.PromptFile.Prompt;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.onnx.LengthModelException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers prompts with a model, or compares planners on them. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Answers prompts; with none given, the embedded ones.")
final class GenerateCommand implements Callable<Integer> {
  @Mixin private GenerateOptions options = new GenerateOptions();

  @Parameters(paramLabel = "PROMPT", description = "prompts to answer")
  private List<String> arguments = new ArrayList<>();

  @Option(names = "--prompts", paramLabel = "FILE", description = "JSON lines with id and prompt")
  private @Nullable Path promptFile;

  @Option(names = "--json", paramLabel = "FILE", description = "write answers as JSON lines")
  private @Nullable Path json;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "Poisson arrivals a second (default: all at once)",
      defaultValue = "0")
  private double ratePerSecond;

  @Option(names = "--compare", description = "run every planner and print a table")
  private boolean compare;

  @Option(
      names = "--compare-predictors",
      description = "run the s3 planner with every predictor, and with perfect ones")
  private boolean comparePredictors;

  @Option(
      names = "--simulate",
      description =
          "with --compare: simulate the same answers with this machine's step times, beside the runs")
  private boolean simulate;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<Prompt> prompts = PromptFile.choose(promptFile, arguments);
    requireOptions();
    Path model = options.model == null ? SmallModel.unpack() : options.model;
    try {
      GenerationRun run = new GenerationRun(model, options);
      return compare || comparePredictors ? compare(run, prompts) : generate(run, prompts);
    } catch (ModelFormatException e) {
      throw new UsageException("--model: " + e.getMessage());
    } catch (LengthModelException e) {
      throw new UsageException("--length-model: " + e.getMessage());
    }
  }

  private void requireOptions() {
    if (!(ratePerSecond >= 0 && ratePerSecond < 1e6)) {
      throw new UsageException("--rate must be from 0 to 1000000, but is " + ratePerSecond);
    }
    if (simulate && (!compare || comparePredictors || ratePerSecond > 0)) {
      throw new UsageException(
          "--simulate needs --compare, without --compare-predictors, and all prompts at once:"
              + " no --rate");
    }
    if (options.maxNewTokens < 1) {
      throw new UsageException(
          "--max-new-tokens must be at least 1, but is " + options.maxNewTokens);
    }
    if (options.threads < 0) {
      throw new UsageException("--threads must be at least 1, but is " + options.threads);
    }
    if (options.model != null && !Files.isDirectory(options.model)) {
      throw new UsageException("--model: " + options.model + " is no folder");
    }
    options.sampling(); // refuses what is out of range
    options.predictorChoice();
  }

  private int generate(GenerationRun run, List<Prompt> prompts)
      throws IOException, InterruptedException {
    PrintWriter out = out();
    boolean single = prompts.size() == 1;
    Outcome outcome;
    try (Progress progress = new Progress(prompts.size(), !single)) {
      outcome =
          run.run(
              prompts,
              options.planner,
              options.predictorChoice().create(options.lengthModelFolder()),
              ratePerSecond,
              piece -> print(out, piece),
              answer -> {
                progress.step();
                if (!single) {
                  print(out, "== %s%n%s%n%n".formatted(answer.id(), answer.text()));
                }
              });
    }
    out.flush();
    if (json != null) {
      write(json, outcome.answers());
    }
    err()
        .printf(
            "%d answers, %d tokens in %.2f s: %.1f tokens/s, %d preemptions%n",
            outcome.answers().size(),
            outcome.outputTokens(),
            outcome.seconds(),
            outcome.outputTokens() / outcome.seconds(),
            outcome.end().preemptions())
        .flush();
    boolean allWell = outcome.answers().stream().noneMatch(a -> a.finishReason().equals("failed"));
    return allWell ? 0 : 1;
  }

  private int compare(GenerationRun run, List<Prompt> prompts)
      throws IOException, InterruptedException {
    Comparison comparison = new Comparison(run, prompts, ratePerSecond, options); // warms up
    StepTimeFit steps = simulate ? new StepTimeFit() : null;
    if (steps != null) {
      run.observe(steps);
    }
    List<Outcome> outcomes;
    int runs = comparePredictors ? Comparison.PREDICTOR_RUNS : Comparison.PLANNER_RUNS;
    try (Progress progress = new Progress(runs * prompts.size(), true)) {
      outcomes =
          comparePredictors
              ? comparison.predictors(progress::step)
              : comparison.planners(progress::step);
    }
    PrintWriter out = out();
    out.print(ComparisonTable.of(comparison.labels(), outcomes));
    if (steps != null) {
      SimulatedComparison simulated =
          new SimulatedComparison(
              outcomes.get(0).answers(), run.profile(), options.maxNewTokens, steps);
      out.print(simulated.table(comparison.labels(), outcomes));
    }
    out.flush();
    if (json != null) {
      List<Answer> all = new ArrayList<>();
      outcomes.forEach(outcome -> all.addAll(outcome.answers()));
      write(json, all);
    }
    return ComparisonTable.sameTokens(outcomes) ? 0 : 1;
  }

  private static void write(Path file, List<Answer> answers) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    List<String> lines = new ArrayList<>();
    for (Answer answer : answers) {
      lines.add(mapper.writeValueAsString(answer));
    }
    Files.write(file, lines);
  }

  private static void print(PrintWriter out, String text) {
    out.print(text);
    out.flush();
  }

  private PrintWriter out() {
    return Objects.requireNonNull(spec).commandLine().getOut();
  }

  private PrintWriter err() {
    return Objects.requireNonNull(spec).commandLine().getErr();
  }

  /** A bar on a terminal, nothing elsewhere. */
  private static final class Progress implements AutoCloseable {
    private final @Nullable ProgressBar bar;

    @SuppressWarnings("SystemConsoleNull") // from JDK 22 on, a redirected run shows a bar as well
    Progress(int total, boolean wanted) {
      bar = wanted && System.console() != null ? new ProgressBar("answers", total) : null;
    }

    void step() {
      if (bar != null) {
        bar.step();
      }
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }
}
