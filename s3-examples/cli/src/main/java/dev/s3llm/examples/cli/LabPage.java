package dev.s3llm.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.simulate.LatencyTargets;
import dev.s3llm.simulate.Trace;
import dev.s3llm.simulate.TraceRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;

/**
 * A page about a replay: one file that needs no network. The data stands in it as JSON; a script
 * draws it. Its size depends on the number of policies and sweep values, hardly on the trace.
 */
final class LabPage {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final double NANOS_PER_MILLI = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double[] PROBABILITIES = probabilities();

  private final Map<String, String> facts;
  private final LatencyTargets targets;
  private final Trace trace;
  private final ReplayReport report;
  private final List<RunRecorder> recorders;

  /**
   * Creates a page.
   *
   * @param facts about the runs, to be shown in this order
   * @param targets what the requests should have met
   * @param trace of the detailed runs, those of the report's last point
   * @param recorders one for each of these runs
   */
  LabPage(
      Map<String, String> facts,
      LatencyTargets targets,
      Trace trace,
      ReplayReport report,
      List<RunRecorder> recorders) {
    this.facts = new LinkedHashMap<>(facts);
    this.targets = targets;
    this.trace = trace;
    this.report = report;
    this.recorders = List.copyOf(recorders);
  }

  String html() {
    return resource("page.html")
        .replace("/*STYLE*/", resource("page.css"))
        .replace("/*SCRIPT*/", resource("page.js"))
        .replace("/*DATA*/", data());
  }

  /** JSON in which no {@code <} can end the script element. */
  private String data() {
    ObjectNode root = MAPPER.createObjectNode();
    root.set("facts", factsJson());
    fill(root.putObject("targets"), targets);
    report
        .setting()
        .ifPresent(
            setting ->
                root.putObject("sweep").put("label", setting.label()).put("unit", setting.unit()));
    root.set("points", report.pointsJson());
    root.set("windows", windows());
    root.set("requests", requests());
    ArrayNode details = root.putArray("details");
    recorders.forEach(recorder -> fill(details.addObject(), recorder));
    numbers(root.putArray("probabilities"), PROBABILITIES, 4);
    try {
      return MAPPER.writeValueAsString(root).replace("<", "\\u003c");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of numbers and texts is always JSON", e);
    }
  }

  private ArrayNode factsJson() {
    ArrayNode array = MAPPER.createArrayNode();
    facts.forEach((name, value) -> array.addArray().add(name).add(value));
    return array;
  }

  private static void fill(ObjectNode json, LatencyTargets targets) {
    ReplayReport.number(json, "ttft", targets.ttftSeconds());
    ReplayReport.number(json, "tpot", targets.tpotSeconds());
  }

  private ArrayNode windows() {
    ArrayNode array = MAPPER.createArrayNode();
    RequestWindows windows = recorders.get(0).windows();
    for (int start : windows.starts()) {
      array.addArray().add(start).add(windows.length());
    }
    return array;
  }

  /** Arrival, prompt and answer of the requests in the windows. */
  private ObjectNode requests() {
    ObjectNode json = MAPPER.createObjectNode();
    RequestWindows windows = recorders.get(0).windows();
    for (int i = 0; i < trace.requests().size(); i++) {
      if (windows.contains(i)) {
        TraceRequest request = trace.requests().get(i);
        json.putArray(Integer.toString(i))
            .add(millis(request.arrivalNanos()))
            .add(request.promptTokens())
            .add(request.outputTokens());
      }
    }
    return json;
  }

  private void fill(ObjectNode json, RunRecorder recorder) {
    series(json.putObject("series"), recorder.series());
    numbers(json.putArray("ttft"), recorder.ttft().quantiles(PROBABILITIES), 5);
    numbers(json.putArray("tpot"), recorder.tpot().quantiles(PROBABILITIES), 5);
    ArrayNode reasons = json.putArray("reasons");
    recorder.waits().reasons().forEach(reasons::add);
    numbers(json.putArray("waitedFirst"), recorder.waits().firstSeconds(), 5);
    numbers(json.putArray("waitedAgain"), recorder.waits().againSeconds(), 5);
    ArrayNode records = json.putArray("records");
    recorder.records().values().forEach(record -> fill(records.addObject(), record));
  }

  private static void series(ObjectNode json, StateSeries series) {
    json.put("seconds", series.bucketSeconds());
    json.put("capacity", series.capacityBlocks());
    double share = 1.0 / series.capacityBlocks();
    average(json.putArray("used"), series, StateSeries.Quantity.ALLOCATED_BLOCKS, share);
    average(json.putArray("reserved"), series, StateSeries.Quantity.RESERVED_BLOCKS, share);
    average(json.putArray("running"), series, StateSeries.Quantity.RUNNING, 1);
    average(json.putArray("waiting"), series, StateSeries.Quantity.WAITING, 1);
    ArrayNode preemptions = json.putArray("preemptions");
    for (int i = 0; i < series.size(); i++) {
      preemptions.add(series.preemptions(i));
    }
  }

  private static void average(
      ArrayNode array, StateSeries series, StateSeries.Quantity quantity, double factor) {
    IntToDoubleFunction average = series.average(quantity);
    for (int i = 0; i < series.size(); i++) {
      array.add(rounded(average.applyAsDouble(i) * factor, 4));
    }
  }

  private void fill(ObjectNode json, RequestRecord record) {
    json.put("id", record.request());
    json.put("predicted", record.predictedTokens());
    Double ttft = record.ttftSeconds();
    ReplayReport.number(json, "ttft", ttft == null ? Double.NaN : rounded(ttft, 4));
    ArrayNode spans = json.putArray("spans");
    for (RequestRecord.Span span : record.spans()) {
      spans
          .addArray()
          .add(span.phase().code())
          .add(millis(span.fromNanos()))
          .add(millis(span.toNanos()));
    }
    numbers(
        json.putArray("waited"),
        Arrays.stream(record.waitedNanos()).map(nanos -> nanos / NANOS_PER_SECOND).toArray(),
        4);
    ArrayNode losses = json.putArray("losses");
    for (RequestRecord.Loss loss : record.losses()) {
      losses
          .addArray()
          .add(millis(loss.nanos()))
          .add(loss.mode())
          .add(loss.kvTokens())
          .add(loss.reason());
    }
  }

  /** From the trace's first arrival. */
  private long millis(long nanos) {
    return Math.round((nanos - trace.requests().get(0).arrivalNanos()) / NANOS_PER_MILLI);
  }

  private static void numbers(ArrayNode array, double[] values, int digits) {
    for (double value : values) {
      if (Double.isFinite(value)) {
        array.add(rounded(value, digits));
      } else {
        array.addNull();
      }
    }
  }

  /** To so many significant digits. */
  private static double rounded(double value, int digits) {
    return value == 0 ? 0 : BigDecimal.valueOf(value).round(new MathContext(digits)).doubleValue();
  }

  /** Every other percent, and the tail more finely. */
  private static double[] probabilities() {
    double[] all = new double[54];
    for (int i = 0; i < 49; i++) {
      all[i] = 0.02 * (i + 1);
    }
    System.arraycopy(new double[] {0.985, 0.99, 0.995, 0.998, 0.999}, 0, all, 49, 5);
    return all;
  }

  private static String resource(String name) {
    try (InputStream in = LabPage.class.getResourceAsStream("lab/" + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
