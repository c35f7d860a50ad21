package dev.s3llm.examples.cli.generate;

import dev.s3llm.examples.cli.generate.GenerationRun.Outcome;
import java.util.List;
import java.util.Objects;

/** A table of runs of the same prompts, one row for each run. */
final class ComparisonTable {
  private ComparisonTable() {}

  static String of(List<String> labels, List<Outcome> outcomes) {
    StringBuilder table =
        new StringBuilder(
            "%-13s %10s %7s %10s %10s %8s %12s%n"
                .formatted(
                    "run", "tokens/s", "ratio", "ttft p50", "ttft p99", "kv use", "preemptions"));
    double first = rate(outcomes.get(0));
    for (int i = 0; i < outcomes.size(); i++) {
      Outcome outcome = outcomes.get(i);
      table.append(
          "%-13s %10.1f %7.2f %9.2fs %9.2fs %7.1f%% %12d%n"
              .formatted(
                  labels.get(i),
                  rate(outcome),
                  rate(outcome) / first,
                  ttft(outcome, 0.5),
                  ttft(outcome, 0.99),
                  100 * outcome.meanKvUse(),
                  outcome.end().work().preemptions()));
    }
    String verdict =
        sameTokens(outcomes)
            ? "All runs gave the same tokens for all %d prompts.%n"
            : "Runs gave DIFFERENT tokens for some of the %d prompts.%n";
    return table + verdict.formatted(outcomes.get(0).answers().size());
  }

  /** Returns whether all runs gave the same tokens for every prompt. */
  static boolean sameTokens(List<Outcome> outcomes) {
    return outcomes.stream().map(ComparisonTable::tokens).distinct().count() == 1;
  }

  private static List<List<Integer>> tokens(Outcome outcome) {
    return outcome.answers().stream().map(Answer::tokens).toList();
  }

  /** Returns the output tokens per second of a run. */
  static double rate(Outcome outcome) {
    return outcome.outputTokens() / outcome.seconds();
  }

  private static double ttft(Outcome outcome, double quantile) {
    double[] sorted =
        outcome.answers().stream()
            .map(answer -> answer.times().firstToken())
            .filter(Objects::nonNull)
            .mapToDouble(Double::doubleValue)
            .sorted()
            .toArray();
    return sorted.length == 0
        ? Double.NaN
        : sorted[(int) Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))];
  }
}
