package dev.s3llm.examples.cli.replay;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.simulation.LatencyFields;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.simulate.SimulationResult;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The results of {@code replay} as JSON.
 *
 * @param setting the swept setting; empty without a sweep
 * @param points one point for each value of the sweep, or the only point
 * @param targets whether there were latency targets; only then a request may miss them
 * @param groupings the groups of requests to report
 */
record ReplayReport(
    Optional<Sweep.Setting> setting, List<Point> points, boolean targets, Set<Grouping> groupings) {

  /** Copies the lists. */
  ReplayReport {
    points = List.copyOf(points);
    groupings = Set.copyOf(groupings);
  }

  /**
   * The runs of all policies, orders and seeds at one value of the sweep.
   *
   * @param value the value of the swept setting; NaN without a sweep
   * @param runs the runs, the baseline first
   */
  record Point(double value, List<Run> runs) {
    /** Copies the runs. */
    Point {
      runs = List.copyOf(runs);
    }

    /** Returns whether the runs have more than one seed. */
    boolean severalSeeds() {
      return runs.stream().map(run -> run.scenario().requests().seed()).distinct().count() > 1;
    }
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
    for (Run run : point.runs()) {
      ObjectNode json = array.addObject();
      json.put("policy", run.result().policy());
      json.put("order", run.scenario().order());
      fillLoad(json, point, run.scenario().requests());
      fill(json, run.result());
      if (targets) {
        json.put("slo_met", run.result().requests().metTargets());
      }
      groupings.stream()
          .sorted()
          .forEach(by -> LatencyFields.put(json, by.field(), by.of(run.result())));
    }
    return array;
  }

  private void fillLoad(ObjectNode json, Point point, Scenario.Requests requests) {
    boolean load = setting.filter(swept -> swept == Sweep.Setting.LOAD).isPresent();
    if (load) {
      json.put("load", point.value());
      json.put("capacity_rps", requests.capacity());
    }
    if (load || point.severalSeeds()) {
      json.put("seed", requests.seed());
    }
  }

  private static void fill(ObjectNode json, SimulationResult run) {
    fillWork(json, run);
    LatencyFields.put(json, run.latency());
    Json.putFinite(json, "goodput_rps", run.goodputPerSecond());
    Json.putFinite(json, "plan_us_p50", run.planning().planMicros().p50());
    Json.putFinite(json, "plan_us_p99", run.planning().planMicros().p99());
  }

  private static void fillWork(ObjectNode json, SimulationResult run) {
    json.put("requests", run.requests().total());
    json.put("finished", run.requests().finished());
    json.put("rejected", run.requests().rejected());
    Json.putFinite(json, "throughput_tok_s", run.throughput().tokensPerSecond());
    Json.putFinite(json, "makespan_s", run.throughput().makespanSeconds());
    Json.putFinite(json, "kv_use", run.memory().kvUse());
    json.put("preemptions", run.memory().preemptions());
    json.put("recomputed_tokens", run.memory().recomputedTokens());
    json.put("swapped_tokens", run.memory().swappedTokens());
    json.put("prefix", run.memory().prefixes().order());
    json.put("prompt_tokens", run.memory().prefixes().promptTokens());
    json.put("cached_tokens", run.memory().prefixes().cachedTokens());
    json.put("evicted_blocks", run.memory().prefixes().evictedBlocks());
  }
}
