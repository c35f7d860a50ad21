package dev.s3llm.observe;

import dev.s3llm.observe.EngineSnapshot.Histogram;
import java.time.Duration;

/** Writes metrics in the text format of Prometheus, version 0.0.4. Not thread-safe. */
final class PrometheusText {
  private final StringBuilder text = new StringBuilder(8192);
  private final EngineSnapshot snapshot;

  private PrometheusText(EngineSnapshot snapshot) {
    this.snapshot = snapshot;
  }

  /** Returns all metrics of a snapshot. */
  static String of(EngineSnapshot snapshot) {
    PrometheusText writer = new PrometheusText(snapshot);
    for (EngineMetric metric : EngineMetric.values()) {
      writer.write(metric);
    }
    return writer.text.toString();
  }

  private void write(EngineMetric metric) {
    String name = metric.metricName().replace('.', '_');
    switch (metric.kind()) {
      case GAUGE -> numbers(metric, name, "gauge");
      case COUNTER -> numbers(metric, name + "_total", "counter");
      case HISTOGRAM -> histograms(metric, name + "_seconds");
    }
  }

  private void head(EngineMetric metric, String name, String type) {
    text.append("# HELP ").append(name).append(' ').append(metric.description()).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private void numbers(EngineMetric metric, String name, String type) {
    head(metric, name, type);
    metric
        .readSeries(snapshot)
        .forEach((value, number) -> line(name, label(metric, value), number));
  }

  private void histograms(EngineMetric metric, String name) {
    head(metric, name, "histogram");
    metric
        .histograms(snapshot)
        .forEach((value, histogram) -> histogram(name, label(metric, value), histogram));
  }

  private void histogram(String name, String label, Histogram histogram) {
    String before = label.isEmpty() ? "" : label + ",";
    long below = 0;
    for (int i = 0; i < histogram.counts().size(); i++) {
      below += histogram.counts().get(i);
      String bound =
          i < histogram.bounds().size()
              ? Double.toString(seconds(histogram.bounds().get(i)))
              : "+Inf";
      line(name + "_bucket", before + "le=\"" + bound + '"', (double) below);
    }
    line(name + "_sum", label, seconds(histogram.sum()));
    line(name + "_count", label, (double) below);
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  private static String label(EngineMetric metric, String value) {
    return metric.label().map(label -> label + "=\"" + escaped(value) + '"').orElse("");
  }

  private static String escaped(String value) {
    return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  private void line(String name, String labels, double value) {
    text.append(name);
    if (!labels.isEmpty()) {
      text.append('{').append(labels).append('}');
    }
    text.append(' ').append(number(value)).append('\n');
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
