package dev.s3llm.examples.cli.replay;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.simulate.SimulationResult;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The results of {@code replay}: a table for people, JSON for programs. */
final class ReplayReport {
  private final Optional<Sweep.Setting> setting;
  private final List<Point> points;
  private final boolean targets;

  /**
   * The runs of all policies and orders at one value of the sweep.
   *
   * @param value the value of the swept setting; NaN without a sweep
   * @param runs one run for each policy and order, the baseline first
   */
  record Point(double value, List<SimulationResult> runs) {
    /** Copies the runs. */
    Point {
      runs = List.copyOf(runs);
    }
  }

  /**
   * Creates a report.
   *
   * @param setting the swept setting; empty without a sweep
   * @param points one point for each value of the sweep, or the only point
   * @param targets whether there were latency targets, without which there is no goodput
   */
  ReplayReport(Optional<Sweep.Setting> setting, List<Point> points, boolean targets) {
    this.setting = setting;
    this.points = List.copyOf(points);
    this.targets = targets;
  }

  /** Returns a table with one row for each run, and its throughput as a ratio to the baseline. */
  String table() {
    StringBuilder text = new StringBuilder();
    setting.ifPresent(s -> text.append(String.format(Locale.ROOT, "%9s ", s.unit())));
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
        targets
            ? String.format(Locale.ROOT, " %7s %8s%n", "slo met", "goodput")
            : "%n".formatted());
    for (Point point : points) {
      for (SimulationResult run : point.runs()) {
        row(text, point, run);
      }
    }
    return text.toString();
  }

  private void row(StringBuilder text, Point point, SimulationResult run) {
    if (setting.isPresent()) {
      text.append(String.format(Locale.ROOT, "%9s ", plain(point.value())));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%-14s %-9s %6.2f %8d %8d %10.1f %11.1f %6.3f %8d %10d %10d %9.2f %9.2f %9.2f %9.2f %10.2f"
                + " %9.2f %9.2f %9.4f %9.4f %8.1f %8.1f",
            run.policy(),
            run.order(),
            run.throughput().tokensPerSecond() / point.runs().get(0).throughput().tokensPerSecond(),
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
    if (targets) {
      text.append(
          String.format(
              Locale.ROOT,
              " %6.1f%% %8.3f",
              100.0 * run.requests().metTargets() / run.requests().total(),
              run.goodputPerSecond()));
    }
    text.append("%n".formatted());
  }

  private static String plain(double value) {
    String text = Double.toString(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }

  /**
   * Returns {@code {"runs": [...]}}, or for a sweep {@code {"sweep": name, "points": [{"value": x,
   * "runs": [...]}]}}. A figure that was not measured is null.
   */
  String json() {
    ObjectNode root = Json.object();
    if (setting.isPresent()) {
      root.put("sweep", setting.get().label());
      root.set("points", pointsJson());
    } else {
      root.set("runs", runs(points.get(0)));
    }
    return Json.pretty(root) + "\n";
  }

  /** Returns the results as the page needs them, with the unit of the swept setting. */
  ObjectNode pageJson() {
    ObjectNode root = Json.object();
    setting.ifPresent(
        swept -> root.putObject("sweep").put("label", swept.label()).put("unit", swept.unit()));
    root.set("points", pointsJson());
    return root;
  }

  private ArrayNode pointsJson() {
    ArrayNode array = Json.array();
    for (Point point : points) {
      ObjectNode json = array.addObject();
      Json.putFinite(json, "value", point.value());
      json.set("runs", runs(point));
    }
    return array;
  }

  private ArrayNode runs(Point point) {
    ArrayNode array = Json.array();
    for (SimulationResult run : point.runs()) {
      ObjectNode json = array.addObject();
      fill(json, run);
      if (targets) {
        json.put("slo_met", run.requests().metTargets());
      }
    }
    return array;
  }

  private static void fill(ObjectNode json, SimulationResult run) {
    fillWork(json, run);
    fillLatency(json, run.latency());
    Json.putFinite(json, "goodput_rps", run.goodputPerSecond());
    Json.putFinite(json, "plan_us_p50", run.planning().planMicros().p50());
    Json.putFinite(json, "plan_us_p99", run.planning().planMicros().p99());
  }

  private static void fillWork(ObjectNode json, SimulationResult run) {
    json.put("policy", run.policy());
    json.put("order", run.order());
    json.put("requests", run.requests().total());
    json.put("finished", run.requests().finished());
    json.put("rejected", run.requests().rejected());
    Json.putFinite(json, "throughput_tok_s", run.throughput().tokensPerSecond());
    Json.putFinite(json, "makespan_s", run.throughput().makespanSeconds());
    Json.putFinite(json, "kv_use", run.memory().kvUse());
    json.put("preemptions", run.memory().preemptions());
    json.put("recomputed_tokens", run.memory().recomputedTokens());
    json.put("swapped_tokens", run.memory().swappedTokens());
  }

  private static void fillLatency(ObjectNode json, SimulationResult.Latency latency) {
    Json.putFinite(json, "ttft_mean_s", latency.ttftSeconds().mean());
    Json.putFinite(json, "ttft_p50_s", latency.ttftSeconds().p50());
    Json.putFinite(json, "ttft_p99_s", latency.ttftSeconds().p99());
    Json.putFinite(json, "total_mean_s", latency.totalSeconds().mean());
    Json.putFinite(json, "total_p50_s", latency.totalSeconds().p50());
    Json.putFinite(json, "total_p99_s", latency.totalSeconds().p99());
    Json.putFinite(json, "queue_mean_s", latency.queueSeconds().mean());
    Json.putFinite(json, "slowdown_mean", latency.slowdown().mean());
    Json.putFinite(json, "tpot_p50_s", latency.tpotSeconds().p50());
    Json.putFinite(json, "tpot_p99_s", latency.tpotSeconds().p99());
  }
}
