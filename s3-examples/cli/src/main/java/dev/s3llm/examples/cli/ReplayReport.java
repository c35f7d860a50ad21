package dev.s3llm.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.simulate.SimulationResult;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What {@code replay} says about its runs: a table for people, JSON for programs. */
final class ReplayReport {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final Optional<Sweep.Setting> setting;
  private final List<Point> points;
  private final boolean targets;

  /**
   * The runs of all policies at one value of the sweep.
   *
   * @param value of the setting; NaN without a sweep
   * @param runs one for each policy, the baseline first
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
   * @param setting what was swept, if anything
   * @param points one for each value, or the only one
   * @param targets whether there were latency targets, so that goodput means something
   */
  ReplayReport(Optional<Sweep.Setting> setting, List<Point> points, boolean targets) {
    this.setting = setting;
    this.points = List.copyOf(points);
    this.targets = targets;
  }

  Optional<Sweep.Setting> setting() {
    return setting;
  }

  List<Point> points() {
    return points;
  }

  /** One row for each run; the ratio compares throughput with the first of the same value. */
  String table() {
    StringBuilder text = new StringBuilder();
    setting.ifPresent(s -> text.append(String.format(Locale.ROOT, "%9s ", s.unit())));
    text.append(
        String.format(
            Locale.ROOT,
            "%-12s %6s %8s %8s %10s %11s %6s %8s %10s %10s %9s %9s %9s %9s %8s %8s",
            "policy",
            "ratio",
            "finished",
            "rejected",
            "tok/s",
            "makespan s",
            "kv use",
            "preempt",
            "recomputed",
            "swapped",
            "ttft p50",
            "ttft p99",
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
            "%-12s %6.2f %8d %8d %10.1f %11.1f %6.3f %8d %10d %10d %9.2f %9.2f %9.4f %9.4f %8.1f %8.1f",
            run.policy(),
            run.throughputTokensPerSecond() / point.runs().get(0).throughputTokensPerSecond(),
            run.finished(),
            run.rejected(),
            run.throughputTokensPerSecond(),
            run.makespanSeconds(),
            run.kvUse(),
            run.preemptions(),
            run.recomputedTokens(),
            run.swappedTokens(),
            run.ttftSeconds().p50(),
            run.ttftSeconds().p99(),
            run.tpotSeconds().p50(),
            run.tpotSeconds().p99(),
            run.planMicros().p50(),
            run.planMicros().p99()));
    if (targets) {
      text.append(
          String.format(
              Locale.ROOT,
              " %6.1f%% %8.3f",
              100.0 * run.metTargets() / run.requests(),
              run.goodputPerSecond()));
    }
    text.append("%n".formatted());
  }

  private static String plain(double value) {
    String text = Double.toString(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }

  /**
   * {@code {"runs": [...]}}, or of a sweep {@code {"sweep": name, "points": [{"value": x, "runs":
   * [...]}]}}; what was not measured is null.
   */
  String json() {
    ObjectNode root = MAPPER.createObjectNode();
    if (setting.isPresent()) {
      root.put("sweep", setting.get().label());
      root.set("points", pointsJson());
    } else {
      root.set("runs", runs(points.get(0)));
    }
    try {
      return MAPPER.writeValueAsString(root) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of numbers and texts is always JSON", e);
    }
  }

  /** Every point with its runs. */
  ArrayNode pointsJson() {
    ArrayNode array = MAPPER.createArrayNode();
    for (Point point : points) {
      ObjectNode json = array.addObject();
      number(json, "value", point.value());
      json.set("runs", runs(point));
    }
    return array;
  }

  private ArrayNode runs(Point point) {
    ArrayNode array = MAPPER.createArrayNode();
    for (SimulationResult run : point.runs()) {
      ObjectNode json = array.addObject();
      fill(json, run);
      if (targets) {
        json.put("slo_met", run.metTargets());
        number(json, "goodput_rps", run.goodputPerSecond());
      }
    }
    return array;
  }

  private static void fill(ObjectNode json, SimulationResult run) {
    json.put("policy", run.policy());
    json.put("requests", run.requests());
    json.put("finished", run.finished());
    json.put("rejected", run.rejected());
    number(json, "throughput_tok_s", run.throughputTokensPerSecond());
    number(json, "makespan_s", run.makespanSeconds());
    number(json, "kv_use", run.kvUse());
    json.put("preemptions", run.preemptions());
    json.put("recomputed_tokens", run.recomputedTokens());
    json.put("swapped_tokens", run.swappedTokens());
    number(json, "ttft_p50_s", run.ttftSeconds().p50());
    number(json, "ttft_p99_s", run.ttftSeconds().p99());
    number(json, "tpot_p50_s", run.tpotSeconds().p50());
    number(json, "tpot_p99_s", run.tpotSeconds().p99());
    number(json, "plan_us_p50", run.planMicros().p50());
    number(json, "plan_us_p99", run.planMicros().p99());
  }

  static void number(ObjectNode json, String name, double value) {
    if (Double.isFinite(value)) {
      json.put(name, value);
    } else {
      json.putNull(name);
    }
  }
}
