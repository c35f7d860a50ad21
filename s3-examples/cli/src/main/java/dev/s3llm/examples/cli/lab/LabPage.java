package dev.s3llm.examples.cli.lab;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.Trace;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * An HTML page about a replay, in one file that loads nothing. It contains the data as JSON and the
 * scripts that draw it. Its size depends on the number of policies and sweep values, and hardly on
 * the trace.
 */
public final class LabPage {
  /** In this order: each script may use the ones before it. */
  private static final List<String> SCRIPTS =
      List.of(
          "dom.js",
          "helpers.js",
          "linechart.js",
          "overview.js",
          "waiting.js",
          "batch.js",
          "page.js");

  private final Map<String, String> facts;
  private final Simulation.LatencyTargets targets;
  private final Trace trace;
  private final ObjectNode results;
  private final List<RunRecorder> recorders;

  /**
   * Creates a page.
   *
   * @param facts names and values that describe the runs, in the order in which the page shows them
   * @param targets the latency targets of the requests; infinite where there are none
   * @param trace the trace of the runs that the page shows in detail
   * @param results the figures of all runs: {@code points}, and {@code sweep} where there is one
   * @param recorders one recorder for each run that the page shows in detail, at least one
   */
  public LabPage(
      Map<String, String> facts,
      Simulation.LatencyTargets targets,
      Trace trace,
      ObjectNode results,
      List<RunRecorder> recorders) {
    this.facts = new LinkedHashMap<>(facts);
    this.targets = targets;
    this.trace = trace;
    this.results = results;
    this.recorders = List.copyOf(recorders);
  }

  /** Returns the whole page. */
  public String html() {
    String scripts = SCRIPTS.stream().map(LabPage::resource).collect(Collectors.joining("\n"));
    return resource("page.html")
        .replace("/*STYLE*/", resource("page.css"))
        .replace("/*SCRIPT*/", scripts)
        .replace("/*DATA*/", data());
  }

  /** Returns the data as JSON without {@code <}, which could end the script element. */
  private String data() {
    ObjectNode root = Json.object();
    ArrayNode factsJson = root.putArray("facts");
    facts.forEach((name, value) -> factsJson.addArray().add(name).add(value));
    ObjectNode targetsJson = root.putObject("targets");
    Json.putFinite(targetsJson, "ttft", targets.ttftSeconds());
    Json.putFinite(targetsJson, "tpot", targets.tpotSeconds());
    root.setAll(results);
    fillWindows(root.putArray("windows"));
    fillRequests(root.putObject("requests"));
    RunJson runs = new RunJson(firstArrivalNanos());
    ArrayNode details = root.putArray("details");
    recorders.forEach(recorder -> runs.fill(details.addObject(), recorder));
    Json.addRounded(root.putArray("probabilities"), RunJson.PROBABILITIES, 4);
    return Json.line(root).replace("<", "\\u003c");
  }

  private void fillWindows(ArrayNode json) {
    RequestWindows windows = recorders.get(0).windows();
    for (int start : windows.starts()) {
      json.addArray().add(start).add(windows.length());
    }
  }

  /** Adds arrival, prompt and answer of the requests in the windows. */
  private void fillRequests(ObjectNode json) {
    RequestWindows windows = recorders.get(0).windows();
    for (int i = 0; i < trace.requests().size(); i++) {
      if (windows.contains(i)) {
        fill(json.putArray(Integer.toString(i)), trace.requests().get(i));
      }
    }
  }

  private void fill(ArrayNode json, Trace.Request request) {
    json.add(RunJson.millis(request.arrivalNanos() - firstArrivalNanos()))
        .add(request.promptTokens())
        .add(request.outputTokens());
  }

  private long firstArrivalNanos() {
    return trace.requests().get(0).arrivalNanos();
  }

  private static String resource(String name) {
    try (InputStream in = LabPage.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
