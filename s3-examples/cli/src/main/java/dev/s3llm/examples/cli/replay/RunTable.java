package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.replay.ReplayReport.Point;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.simulate.SimulationResult;
import java.util.Locale;

/**
 * The table of the runs, for people.
 *
 * @param report the runs
 */
record RunTable(ReplayReport report) {

  /** Returns a table with one row for each run, and its throughput as a ratio to the baseline. */
  String text() {
    StringBuilder text = new StringBuilder();
    report.setting().ifPresent(s -> text.append(String.format(Locale.ROOT, "%9s ", s.unit())));
    text.append(
        String.format(
            Locale.ROOT,
            "%-14s %-9s %6s %8s %8s %10s %11s %6s %8s %10s %10s %9s %9s %9s %9s %9s %10s %9s %9s %9s"
                + " %8s %8s",
            "policy",
            "order",
            "ratio",
            "finished",
            "rejected",
            "tok/s",
            "makespan s",
            "kv use",
            "preempt",
            "recomputed",
            "swapped",
            "ttft mean",
            "ttft p50",
            "ttft p99",
            "queue",
            "total mean",
            "total p99",
            "slowdown",
            "tpot p50",
            "tpot p99",
            "plan us",
            "p99"));
    text.append(
        report.targets()
            ? String.format(Locale.ROOT, " %7s %8s%n", "slo met", "goodput")
            : "%n".formatted());
    for (Point point : report.points()) {
      for (Run run : point.runs()) {
        row(text, point, run);
      }
    }
    return text.toString();
  }

  private void row(StringBuilder text, Point point, Run made) {
    SimulationResult run = made.result();
    if (report.setting().isPresent()) {
      text.append(String.format(Locale.ROOT, "%9s ", Numbers.plain(point.value())));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%-14s %-9s %6.2f %8d %8d %10.1f %11.1f %6.3f %8d %10d %10d %9.2f %9.2f %9.2f %9.2f %10.2f"
                + " %9.2f %9.2f %9.4f %9.4f %8.1f %8.1f",
            run.policy(),
            made.label(),
            run.throughput().tokensPerSecond()
                / point.runs().get(0).result().throughput().tokensPerSecond(),
            run.requests().finished(),
            run.requests().rejected(),
            run.throughput().tokensPerSecond(),
            run.throughput().makespanSeconds(),
            run.memory().kvUse(),
            run.memory().preemptions(),
            run.memory().recomputedTokens(),
            run.memory().swappedTokens(),
            run.latency().ttftSeconds().mean(),
            run.latency().ttftSeconds().p50(),
            run.latency().ttftSeconds().p99(),
            run.latency().queueSeconds().mean(),
            run.latency().totalSeconds().mean(),
            run.latency().totalSeconds().p99(),
            run.latency().slowdown().mean(),
            run.latency().tpotSeconds().p50(),
            run.latency().tpotSeconds().p99(),
            run.planning().planMicros().p50(),
            run.planning().planMicros().p99()));
    if (report.targets()) {
      text.append(
          String.format(
              Locale.ROOT,
              " %6.1f%% %8.3f",
              100.0 * run.requests().metTargets() / run.requests().total(),
              run.goodputPerSecond()));
    }
    text.append("%n".formatted());
  }
}
