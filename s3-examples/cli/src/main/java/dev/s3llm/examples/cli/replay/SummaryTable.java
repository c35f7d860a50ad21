package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.replay.ReplayReport.Point;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.Spread;
import dev.s3llm.simulate.SimulationResult;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Tables in Markdown of the figures of each order over the seeds: the figures themselves, and how
 * many times better they are than in the orders of arrival. A cell is the median over the seeds and
 * the range; a ratio compares runs of the same seed.
 *
 * @param report the runs
 */
record SummaryTable(ReplayReport report) {
  private static final List<String> BASELINES = List.of("fcfs", "fcfs-skip");

  /** A figure of a run, and whether a higher value is better. */
  private record Figure(
      String name, boolean higherIsBetter, ToDoubleFunction<SimulationResult> value) {
    double of(Run run) {
      return value.applyAsDouble(run.result());
    }
  }

  private static final List<Figure> FIGURES =
      List.of(
          new Figure("first token, mean", false, r -> r.latency().ttftSeconds().mean()),
          new Figure("first token, p50", false, r -> r.latency().ttftSeconds().p50()),
          new Figure("first token, p99", false, r -> r.latency().ttftSeconds().p99()),
          new Figure("total, mean", false, r -> r.latency().totalSeconds().mean()),
          new Figure("total, p50", false, r -> r.latency().totalSeconds().p50()),
          new Figure("total, p99", false, r -> r.latency().totalSeconds().p99()),
          new Figure("slowdown, mean", false, r -> r.latency().slowdown().mean()),
          new Figure("tokens/s", true, r -> r.throughput().tokensPerSecond()),
          new Figure("goodput/s", true, SimulationResult::goodputPerSecond));

  /**
   * The runs of one order under one policy, over the seeds.
   *
   * @param value the value of the sweep
   * @param policy the policy's name
   * @param order the order's name
   * @param runs the runs, one for each seed
   */
  record Series(double value, String policy, String order, List<Run> runs) {
    /** Returns the spread of a figure over the seeds. */
    Spread spread(ToDoubleFunction<SimulationResult> figure) {
      return Spread.of(
          runs.stream().mapToDouble(run -> figure.applyAsDouble(run.result())).toArray());
    }

    private boolean comparableWith(Series other) {
      return value == other.value && policy.equals(other.policy);
    }
  }

  /** Returns the runs by value of the sweep, policy and order. */
  List<Series> series() {
    List<Series> all = new ArrayList<>();
    for (Point point : report.points()) {
      List<List<String>> names =
          point.runs().stream()
              .map(run -> List.of(run.scenario().policy().name(), run.label()))
              .distinct()
              .toList();
      for (List<String> name : names) {
        List<Run> runs =
            point.runs().stream()
                .filter(run -> run.scenario().policy().name().equals(name.get(0)))
                .filter(run -> run.label().equals(name.get(1)))
                .toList();
        double value = Double.isNaN(point.value()) ? 0 : point.value();
        all.add(new Series(value, name.get(0), name.get(1), runs));
      }
    }
    return all;
  }

  /** Returns the tables. */
  String text() {
    List<Series> all = series();
    List<String> orders = all.stream().map(Series::order).distinct().toList();
    List<String> baselines = orders.stream().filter(BASELINES::contains).toList();
    StringBuilder text = new StringBuilder();
    table(text, "Times in seconds, requests and tokens per second", all, SummaryTable::figures);
    for (String baseline : baselines.isEmpty() ? orders.subList(0, 1) : baselines) {
      table(
          text,
          "Times better than " + baseline + " (below 1 is worse)",
          all.stream().filter(series -> !series.order().equals(baseline)).toList(),
          series -> ratios(series, baseline(all, series, baseline)));
    }
    return text.toString();
  }

  private static Series baseline(List<Series> all, Series series, String order) {
    return all.stream()
        .filter(other -> other.order().equals(order) && other.comparableWith(series))
        .findFirst()
        .orElseThrow();
  }

  private void table(
      StringBuilder text, String title, List<Series> rows, Function<Series, List<Spread>> cells) {
    if (rows.isEmpty()) {
      return;
    }
    String value = report.setting().map(Sweep.Setting::unit).orElse("");
    String names = FIGURES.stream().map(Figure::name).collect(Collectors.joining(" | "));
    text.append("%n%s:%n%n| %s | policy | order | %s |%n".formatted(title, value, names));
    text.append("|%s%n".formatted(" --- |".repeat(3 + FIGURES.size())));
    for (Series row : rows) {
      String spreads =
          cells.apply(row).stream().map(Spread::toString).collect(Collectors.joining(" | "));
      text.append(
          "| %s | %s | %s | %s |%n"
              .formatted(
                  report.setting().isPresent() ? Numbers.plain(row.value()) : "",
                  row.policy(),
                  row.order(),
                  spreads));
    }
  }

  private static List<Spread> figures(Series series) {
    return FIGURES.stream().map(figure -> series.spread(figure.value())).toList();
  }

  private static List<Spread> ratios(Series series, Series baseline) {
    return FIGURES.stream().map(figure -> ratio(figure, series, baseline)).toList();
  }

  private static Spread ratio(Figure figure, Series series, Series baseline) {
    double[] ratios = new double[series.runs().size()];
    for (int i = 0; i < ratios.length; i++) {
      double mine = figure.of(series.runs().get(i));
      double other = figure.of(baseline.runs().get(i));
      ratios[i] = figure.higherIsBetter() ? mine / other : other / mine;
    }
    return Spread.of(ratios);
  }
}
