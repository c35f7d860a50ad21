package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.simulate.SimulationResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What {@code replay} says about its runs: a table for people, JSON for programs. */
final class ReplayReport {
  private final List<SimulationResult> runs;

  ReplayReport(List<SimulationResult> runs) {
    this.runs = runs;
  }

  /** One row for each run; the ratio compares throughput with the first. */
  String table() {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%-12s %6s %8s %8s %10s %11s %6s %8s %10s %10s %9s %9s %9s %9s %8s %8s%n",
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
    double base = runs.get(0).throughputTokensPerSecond();
    for (SimulationResult run : runs) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-12s %6.2f %8d %8d %10.1f %11.1f %6.3f %8d %10d %10d %9.2f %9.2f %9.4f %9.4f %8.1f %8.1f%n",
              run.policy(),
              run.throughputTokensPerSecond() / base,
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
    }
    return text.toString();
  }

  /** Writes {@code {"runs": [...]}}; what was not measured is null. */
  void writeJson(Path file) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode root = mapper.createObjectNode();
    ArrayNode array = root.putArray("runs");
    for (SimulationResult run : runs) {
      fill(array.addObject(), run);
    }
    Files.writeString(file, mapper.writeValueAsString(root) + "\n");
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

  private static void number(ObjectNode json, String name, double value) {
    if (Double.isFinite(value)) {
      json.put(name, value);
    } else {
      json.putNull(name);
    }
  }
}
