package dev.s3llm.examples.cli.simulation;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.simulate.SimulationResult.Group;
import dev.s3llm.simulate.SimulationResult.Latency;
import dev.s3llm.simulate.SimulationResult.Quantiles;
import java.util.List;

/** The JSON fields of latencies, the same in every command. A figure without a value is null. */
public final class LatencyFields {
  private LatencyFields() {}

  /**
   * Adds the figures of some latencies.
   *
   * @param json the object that gets the fields
   * @param latency the latencies
   */
  public static void put(ObjectNode json, Latency latency) {
    put(json, "ttft", "_s", latency.ttftSeconds());
    put(json, "total", "_s", latency.totalSeconds());
    put(json, "queue", "_s", latency.queueSeconds());
    put(json, "slowdown", "", latency.slowdown());
    Json.putFinite(json, "tpot_p50_s", latency.tpotSeconds().p50());
    Json.putFinite(json, "tpot_p90_s", latency.tpotSeconds().p90());
    Json.putFinite(json, "tpot_p99_s", latency.tpotSeconds().p99());
  }

  private static void put(ObjectNode json, String name, String unit, Quantiles quantiles) {
    Json.putFinite(json, name + "_mean" + unit, quantiles.mean());
    Json.putFinite(json, name + "_p50" + unit, quantiles.p50());
    Json.putFinite(json, name + "_p90" + unit, quantiles.p90());
    Json.putFinite(json, name + "_p99" + unit, quantiles.p99());
  }

  /**
   * Adds an array with the figures of groups of requests.
   *
   * @param json the object that gets the array
   * @param name the field's name
   * @param groups the groups
   */
  public static void put(ObjectNode json, String name, List<Group> groups) {
    json.putArray(name);
    for (Group group : groups) {
      ObjectNode fields = json.withArray(name).addObject();
      fields.put("group", group.name());
      fields.put("requests", group.requests());
      fields.put("finished", group.finished());
      put(fields, group.latency());
    }
  }
}
