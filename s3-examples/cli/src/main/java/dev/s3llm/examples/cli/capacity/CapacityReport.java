package dev.s3llm.examples.cli.capacity;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.simulation.CardOptions.Placement;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.simulate.CapacitySearch;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationResult;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The results of {@code capacity}: a table for people, JSON for programs. */
final class CapacityReport {
  private final Simulation.LatencyTargets targets;
  private final double share;
  private final @Nullable Double rate;
  private final List<Row> rows;
  private final List<PlacementLoads> loads;

  /**
   * The result of one policy in one order.
   *
   * @param policy the policy's name
   * @param order the name of the queue order
   * @param placement how engines use the cards
   * @param capacity the highest rate; empty if the targets are missed at every rate, or the weights
   *     do not fit
   */
  record Row(
      String policy,
      String order,
      Placement placement,
      Optional<CapacitySearch.Capacity> capacity) {

    /** Returns the number of cards that carry a load. */
    long gpusFor(double rate) {
      long machines = capacity.orElseThrow().gpusFor(rate);
      return machines * placement.engines() * placement.cards();
    }
  }

  /**
   * Creates a report.
   *
   * @param targets the latency targets
   * @param share the share of requests, above 0 and at most 1, that had to meet the targets
   * @param rate the load to find GPUs for, in requests per second; null if there is none
   * @param rows one row for each policy, order and placement
   * @param loads the placements at some loads, for each policy and order; none with one placement
   */
  CapacityReport(
      Simulation.LatencyTargets targets,
      double share,
      @Nullable Double rate,
      List<Row> rows,
      List<PlacementLoads> loads) {
    this.targets = targets;
    this.share = share;
    this.rate = rate;
    this.rows = List.copyOf(rows);
    this.loads = List.copyOf(loads);
  }

  /** Returns whether the machine has several cards, which are then named. */
  private boolean severalCards() {
    return rows.stream().anyMatch(row -> row.placement().engines() * row.placement().cards() > 1);
  }

  /** Returns the column of the engines; empty with one card. */
  private String engines(String content) {
    return severalCards() ? String.format(Locale.ROOT, "%-9s ", content) : "";
  }

  /** Returns a table with one row for each policy, order and placement. */
  String table() {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "highest rate at which %s %% of requests meet TTFT %s s and TPOT %s s%n"
                    + "%-14s %-9s %s%10s %10s %9s %9s %9s %8s%s%n",
                100 * share,
                targets.ttftSeconds(),
                targets.tpotSeconds(),
                "policy",
                "order",
                engines("engines"),
                "req/s",
                "tok/s",
                "goodput",
                "ttft p99",
                "tpot p99",
                "preempt",
                rate == null ? "" : "  GPUs for " + rate + " req/s"));
    rows.forEach(row -> text.append(line(row)));
    if (rows.stream().anyMatch(row -> row.capacity().filter(c -> !c.bounded()).isPresent())) {
      text.append("> the trace is too short, or the targets too loose, to find a limit\n");
    }
    loads.forEach(each -> text.append(each.table()));
    return text.toString();
  }

  private String line(Row row) {
    if (row.capacity().isEmpty()) {
      return String.format(
          Locale.ROOT,
          "%-14s %-9s %s%10s%n",
          row.policy(),
          row.order(),
          engines(row.placement().label()),
          "none");
    }
    CapacitySearch.Capacity capacity = row.capacity().get();
    SimulationResult run = capacity.result();
    return String.format(
        Locale.ROOT,
        "%-14s %-9s %s%1s%9.3f %10.1f %9.3f %9.2f %9.4f %8d%s%n",
        row.policy(),
        row.order(),
        engines(row.placement().label()),
        capacity.bounded() ? "" : ">",
        capacity.ratePerSecond(),
        run.throughput().tokensPerSecond(),
        run.goodputPerSecond(),
        run.latency().ttftSeconds().p99(),
        run.latency().tpotSeconds().p99(),
        run.memory().preemptions(),
        rate == null ? "" : String.format(Locale.ROOT, " %10d", row.gpusFor(rate)));
  }

  /** Returns JSON in which targets that were not set, and rates that were not found, are null. */
  String json() {
    ObjectNode root = Json.object();
    Json.putFinite(root, "slo_ttft_s", targets.ttftSeconds());
    Json.putFinite(root, "slo_tpot_s", targets.tpotSeconds());
    root.put("share", share);
    root.put("rate_rps", rate);
    ArrayNode array = root.putArray("policies");
    for (Row row : rows) {
      ObjectNode json = array.addObject();
      json.put("policy", row.policy());
      json.put("order", row.order());
      if (severalCards()) {
        json.put("engines", row.placement().engines());
        json.put("cards", row.placement().cards());
      }
      row.capacity().ifPresentOrElse(c -> fill(json, row, c), () -> json.putNull("capacity_rps"));
    }
    if (!loads.isEmpty()) {
      ArrayNode all = root.putArray("loads");
      loads.forEach(each -> each.addTo(all));
    }
    return Json.pretty(root) + "\n";
  }

  private void fill(ObjectNode json, Row row, CapacitySearch.Capacity capacity) {
    SimulationResult run = capacity.result();
    Json.putFinite(json, "capacity_rps", capacity.ratePerSecond());
    json.put("bounded", capacity.bounded());
    if (rate != null) {
      json.put("gpus", row.gpusFor(rate));
    }
    json.put("slo_met", run.requests().metTargets());
    json.put("requests", run.requests().total());
    Json.putFinite(json, "goodput_rps", run.goodputPerSecond());
    Json.putFinite(json, "throughput_tok_s", run.throughput().tokensPerSecond());
    Json.putFinite(json, "ttft_p99_s", run.latency().ttftSeconds().p99());
    Json.putFinite(json, "tpot_p99_s", run.latency().tpotSeconds().p99());
    json.put("preemptions", run.memory().preemptions());
  }
}
