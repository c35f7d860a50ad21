package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.replay.ReplayReport.Point;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.simulate.SimulationResult.Group;
import dev.s3llm.simulate.SimulationResult.Latency;
import java.util.Locale;

/**
 * The table of the groups of requests of each run, for people. Times are in seconds.
 *
 * @param report the runs
 */
record GroupTable(ReplayReport report) {

  /** Returns a table for each grouping of the report, with one row for each group of each run. */
  String text() {
    StringBuilder text = new StringBuilder();
    for (Grouping by : report.groupings().stream().sorted().toList()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%n%9s %-14s %-12s %6s %-20s %8s %8s %9s %9s %9s %10s %9s %9s %9s %9s %9s %9s%n",
              report.setting().map(Sweep.Setting::unit).orElse(""),
              "policy",
              "order",
              "seed",
              by,
              "requests",
              "finished",
              "ttft mean",
              "p50",
              "p99",
              "total mean",
              "p50",
              "p99",
              "queue",
              "p99",
              "slowdown",
              "p99"));
      for (Point point : report.points()) {
        point.runs().forEach(run -> rows(text, point, run, by));
      }
    }
    return text.toString();
  }

  private static void rows(StringBuilder text, Point point, Run run, Grouping by) {
    for (Group group : by.of(run.result())) {
      Latency latency = group.latency();
      text.append(
          String.format(
              Locale.ROOT,
              "%9s %-14s %-12s %6d %-20s %8d %8d %9.2f %9.2f %9.2f %10.2f %9.2f %9.2f %9.2f %9.2f"
                  + " %9.2f %9.2f%n",
              Double.isNaN(point.value()) ? "" : Numbers.plain(point.value()),
              run.result().policy(),
              run.label(),
              run.scenario().requests().seed(),
              group.name().isEmpty() ? "(none)" : group.name(),
              group.requests(),
              group.finished(),
              latency.ttftSeconds().mean(),
              latency.ttftSeconds().p50(),
              latency.ttftSeconds().p99(),
              latency.totalSeconds().mean(),
              latency.totalSeconds().p50(),
              latency.totalSeconds().p99(),
              latency.queueSeconds().mean(),
              latency.queueSeconds().p99(),
              latency.slowdown().mean(),
              latency.slowdown().p99()));
    }
  }
}
