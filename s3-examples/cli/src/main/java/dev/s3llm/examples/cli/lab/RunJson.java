package dev.s3llm.examples.cli.lab;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.lab.StateSeries.Quantity;
import dev.s3llm.examples.cli.support.Json;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * Writes what a recorder kept of one run as the JSON that the page's scripts read.
 *
 * @param originNanos the trace's first arrival, from which the page counts the time
 */
record RunJson(long originNanos) {
  /** The latency quantiles of the page: every other percent, and the tail more finely. */
  static final double[] PROBABILITIES = probabilities();

  private static final double NANOS_PER_MILLI = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  void fill(ObjectNode json, RunRecorder recorder) {
    fill(json.putObject("series"), recorder.series());
    Json.addRounded(json.putArray("ttft"), recorder.ttft().quantiles(PROBABILITIES), 5);
    Json.addRounded(json.putArray("tpot"), recorder.tpot().quantiles(PROBABILITIES), 5);
    ArrayNode reasons = json.putArray("reasons");
    recorder.waits().reasons().forEach(reasons::add);
    Json.addRounded(json.putArray("waitedFirst"), recorder.waits().firstSeconds(), 5);
    Json.addRounded(json.putArray("waitedAgain"), recorder.waits().againSeconds(), 5);
    ArrayNode records = json.putArray("records");
    recorder.records().values().forEach(record -> fill(records.addObject(), record));
  }

  private static void fill(ObjectNode json, StateSeries series) {
    json.put("seconds", series.bucketSeconds());
    json.put("capacity", series.capacityBlocks());
    double share = 1.0 / series.capacityBlocks();
    average(json.putArray("used"), series, Quantity.ALLOCATED_BLOCKS, share);
    average(json.putArray("reserved"), series, Quantity.RESERVED_BLOCKS, share);
    average(json.putArray("running"), series, Quantity.RUNNING, 1);
    average(json.putArray("waiting"), series, Quantity.WAITING, 1);
    ArrayNode preemptions = json.putArray("preemptions");
    for (int i = 0; i < series.size(); i++) {
      preemptions.add(series.preemptions(i));
    }
  }

  private static void average(
      ArrayNode array, StateSeries series, Quantity quantity, double factor) {
    IntToDoubleFunction average = series.average(quantity);
    for (int i = 0; i < series.size(); i++) {
      array.add(Json.rounded(average.applyAsDouble(i) * factor, 4));
    }
  }

  private void fill(ObjectNode json, RequestRecord record) {
    json.put("id", record.request());
    json.put("predicted", record.predictedTokens());
    Double ttft = record.ttftSeconds();
    Json.putFinite(json, "ttft", ttft == null ? Double.NaN : Json.rounded(ttft, 4));
    ArrayNode spans = json.putArray("spans");
    record.spans().forEach(span -> fill(spans.addArray(), span));
    double[] waited =
        Arrays.stream(record.waitedNanos()).map(nanos -> nanos / NANOS_PER_SECOND).toArray();
    Json.addRounded(json.putArray("waited"), waited, 4);
    ArrayNode losses = json.putArray("losses");
    record.losses().forEach(loss -> fill(losses.addArray(), loss));
  }

  private void fill(ArrayNode json, RequestRecord.Span span) {
    json.add(span.phase().code())
        .add(millis(span.fromNanos() - originNanos))
        .add(millis(span.toNanos() - originNanos));
  }

  private void fill(ArrayNode json, RequestRecord.Loss loss) {
    json.add(millis(loss.nanos() - originNanos))
        .add(loss.mode())
        .add(loss.kvTokens())
        .add(loss.reason());
  }

  /** Returns nanoseconds as milliseconds, rounded. */
  static long millis(long nanos) {
    return Math.round(nanos / NANOS_PER_MILLI);
  }

  private static double[] probabilities() {
    double[] all = new double[54];
    for (int i = 0; i < 49; i++) {
      all[i] = 0.02 * (i + 1);
    }
    System.arraycopy(new double[] {0.985, 0.99, 0.995, 0.998, 0.999}, 0, all, 49, 5);
    return all;
  }
}
