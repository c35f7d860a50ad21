package dev.s3llm.examples.cli.capacity;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.simulation.CardOptions.Placement;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.simulate.CapacitySearch.Capacity;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Which placement of engines is better at which load, under one policy and order. At each load the
 * better is that with the shortest mean time of an answer, of those that keep the latency targets.
 *
 * @param policy the policy's name
 * @param order the name of the queue order
 * @param loads the loads, ascending; none if no placement keeps the targets at any load
 */
record PlacementLoads(String policy, String order, List<At> loads) {
  /** Loads as shares of the highest that any placement carries. */
  private static final double[] SHARES = {0.25, 0.5, 0.75, 0.95};

  /**
   * A placement whose capacity is known.
   *
   * @param placement how engines use the cards
   * @param simulation its simulation
   * @param capacity its highest load; empty if the targets are missed at every rate
   */
  record Candidate(Placement placement, Simulation simulation, Optional<Capacity> capacity) {}

  /**
   * One load.
   *
   * @param rate requests per second
   * @param runs the runs of all placements
   */
  record At(double rate, List<Run> runs) {
    /** Returns the placement that is better than the others; empty if none keeps the targets. */
    Optional<Placement> better() {
      return runs.stream()
          .filter(Run::met)
          .min(Comparator.comparingDouble(run -> run.result.latency().totalSeconds().mean()))
          .map(Run::placement);
    }
  }

  /**
   * The run of a placement at one load.
   *
   * @param placement how engines use the cards
   * @param result result of the run
   * @param met whether enough requests met the targets
   */
  record Run(Placement placement, SimulationResult result, boolean met) {}

  /**
   * Runs all candidates at some loads.
   *
   * @param share share of requests that must meet the targets
   */
  static PlacementLoads of(
      String order,
      List<Candidate> candidates,
      Trace trace,
      SimulationPolicy policy,
      double share) {
    double highest =
        candidates.stream()
            .flatMap(each -> each.capacity.stream())
            .mapToDouble(Capacity::ratePerSecond)
            .max()
            .orElse(0);
    List<At> loads = new ArrayList<>();
    for (double part : highest == 0 ? new double[0] : SHARES) {
      double rate = part * highest;
      Trace arriving = trace.spedUp(rate / trace.meanRatePerSecond());
      loads.add(
          new At(
              rate, candidates.stream().map(each -> run(each, arriving, policy, share)).toList()));
    }
    return new PlacementLoads(policy.name(), order, loads);
  }

  private static Run run(Candidate each, Trace trace, SimulationPolicy policy, double share) {
    SimulationResult result = each.simulation.run(trace, policy);
    boolean met = result.requests().metTargets() >= share * result.requests().total();
    return new Run(each.placement, result, met);
  }

  /** Returns a table with a row for each load. */
  String table() {
    if (loads.isEmpty()) {
      return "";
    }
    String columns =
        loads.get(0).runs.stream()
            .map(run -> String.format(Locale.ROOT, " %22s", run.placement.label()))
            .collect(Collectors.joining());
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%n%s, %s: mean seconds of an answer (99 %% to the first token, each further) by"
                    + " engines on cards each%n%10s%s  better%n",
                policy,
                order,
                "req/s",
                columns));
    loads.forEach(load -> text.append(line(load)));
    return text.toString();
  }

  private static String line(At load) {
    String runs = load.runs.stream().map(PlacementLoads::cell).collect(Collectors.joining());
    return String.format(
        Locale.ROOT,
        "%10.3f%s  %s%n",
        load.rate,
        runs,
        load.better().map(Placement::label).orElse("none keeps the limits"));
  }

  private static String cell(Run run) {
    SimulationResult.Latency latency = run.result.latency();
    return String.format(
        Locale.ROOT,
        " %8.3f (%5.2f %6.4f)",
        latency.totalSeconds().mean(),
        latency.ttftSeconds().p99(),
        latency.tpotSeconds().p99());
  }

  /** Adds an object for each load. */
  void addTo(ArrayNode array) {
    for (At load : loads) {
      ObjectNode json = array.addObject();
      json.put("policy", policy);
      json.put("order", order);
      Json.putFinite(json, "rate_rps", load.rate);
      json.put("better", load.better().map(Placement::label).orElse(null));
      ArrayNode runs = json.putArray("placements");
      for (Run run : load.runs) {
        ObjectNode own = runs.addObject();
        own.put("engines", run.placement.engines());
        own.put("cards", run.placement.cards());
        own.put("met", run.met);
        SimulationResult.Latency latency = run.result.latency();
        Json.putFinite(own, "total_mean_s", latency.totalSeconds().mean());
        Json.putFinite(own, "total_p99_s", latency.totalSeconds().p99());
        Json.putFinite(own, "ttft_p99_s", latency.ttftSeconds().p99());
        Json.putFinite(own, "tpot_p99_s", latency.tpotSeconds().p99());
      }
    }
  }
}
