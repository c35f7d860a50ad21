package dev.s3llm.examples.cli.generate;

import dev.s3llm.examples.cli.generate.GenerationRun.Outcome;
import dev.s3llm.examples.cli.options.Prompt;
import dev.s3llm.predict.LengthPredictor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs the same prompts several times, each time with one part of the engine changed. */
final class Comparison {
  static final int PLANNER_RUNS = PlannerChoice.values().length;
  static final int PREDICTOR_RUNS = PredictorChoice.values().length + 3;

  private final GenerationRun run;
  private final List<Prompt> prompts;
  private final double ratePerSecond;
  private final GenerateOptions options;
  private final Path lengthModel;
  private final List<String> labels = new ArrayList<>();
  private final List<Outcome> outcomes = new ArrayList<>();

  Comparison(GenerationRun run, List<Prompt> prompts, double ratePerSecond, GenerateOptions options)
      throws InterruptedException {
    this.run = run;
    this.prompts = prompts;
    this.ratePerSecond = ratePerSecond;
    this.options = options;
    this.lengthModel = options.lengthModelFolder();
    List<Prompt> one = prompts.subList(0, 1);
    run.run(one, PlannerChoice.S3, predictor(), 0, piece -> {}, answer -> {}); // warms up
  }

  /** Returns the names of the runs, in their order. */
  List<String> labels() {
    return labels;
  }

  /** Runs every planner with the predictor that the options name. */
  List<Outcome> planners(Runnable onAnswer) throws InterruptedException {
    for (PlannerChoice planner : PlannerChoice.values()) {
      add(planner.toString(), planner, predictor(), onAnswer);
    }
    return outcomes;
  }

  /** Runs worst-case, then the s3 planner with a constant, every predictor and exact lengths. */
  List<Outcome> predictors(Runnable onAnswer) throws InterruptedException {
    add("worst-case", PlannerChoice.WORST_CASE, predictor(), onAnswer);
    List<Answer> known = outcomes.get(0).answers();
    add("s3, constant", PlannerChoice.S3, new KnownLengths(known, true), onAnswer);
    for (PredictorChoice choice : PredictorChoice.values()) {
      add("s3, " + choice, PlannerChoice.S3, choice.create(lengthModel), onAnswer);
    }
    add("s3, perfect", PlannerChoice.S3, new KnownLengths(known, false), onAnswer);
    return outcomes;
  }

  private LengthPredictor predictor() {
    return options.predictor().create(lengthModel);
  }

  private void add(
      String label, PlannerChoice planner, LengthPredictor predictor, Runnable onAnswer)
      throws InterruptedException {
    labels.add(label);
    outcomes.add(
        run.run(prompts, planner, predictor, ratePerSecond, piece -> {}, answer -> onAnswer.run()));
  }
}
