package dev.s3llm.spring.metrics;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.observe.EngineMetric.Kind;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.EngineSnapshot.Histogram;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Duration;

/**
 * Collects what Micrometer has no meter for: the engine's histograms, and its metrics by tenant.
 * Used only where Prometheus's registry is present. Thread-safe.
 */
final class PrometheusHistograms implements MultiCollector {
  private final S3Engine engine;

  private PrometheusHistograms(S3Engine engine) {
    this.engine = engine;
  }

  /**
   * Adds the collector to a registry.
   *
   * @param registry a Prometheus registry
   * @param engine the engine whose snapshots are read at each scrape
   */
  static void bindTo(MeterRegistry registry, S3Engine engine) {
    ((PrometheusMeterRegistry) registry)
        .getPrometheusRegistry()
        .register(new PrometheusHistograms(engine));
  }

  @Override
  public MetricSnapshots collect() {
    EngineSnapshot now = engine.snapshot();
    MetricSnapshots.Builder families = MetricSnapshots.builder();
    for (EngineMetric metric : EngineMetric.values()) {
      if (metric.kind() == Kind.HISTOGRAM) {
        families.metricSnapshot(histograms(metric, now));
      } else if (EngineMeterBinder.byTenant(metric)) {
        families.metricSnapshot(counters(metric, now));
      }
    }
    return families.build();
  }

  private static MetricSnapshot histograms(EngineMetric metric, EngineSnapshot now) {
    HistogramSnapshot.Builder family =
        HistogramSnapshot.builder().name(name(metric) + "_seconds").help(metric.description());
    metric
        .histograms(now)
        .forEach(
            (value, histogram) ->
                family.dataPoint(
                    HistogramDataPointSnapshot.builder()
                        .labels(labels(metric, value))
                        .classicHistogramBuckets(buckets(histogram))
                        .sum(seconds(histogram.sum()))
                        .build()));
    return family.build();
  }

  private static ClassicHistogramBuckets buckets(Histogram histogram) {
    ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
    for (int i = 0; i < histogram.counts().size(); i++) {
      double bound =
          i < histogram.bounds().size()
              ? seconds(histogram.bounds().get(i))
              : Double.POSITIVE_INFINITY;
      buckets.bucket(bound, histogram.counts().get(i));
    }
    return buckets.build();
  }

  private static MetricSnapshot counters(EngineMetric metric, EngineSnapshot now) {
    CounterSnapshot.Builder family =
        CounterSnapshot.builder().name(name(metric)).help(metric.description());
    metric
        .readSeries(now)
        .forEach(
            (value, number) ->
                family.dataPoint(
                    CounterSnapshot.CounterDataPointSnapshot.builder()
                        .labels(labels(metric, value))
                        .value(number)
                        .build()));
    return family.build();
  }

  private static String name(EngineMetric metric) {
    return metric.metricName().replace('.', '_');
  }

  private static Labels labels(EngineMetric metric, String value) {
    return metric.label().map(label -> Labels.of(label, value)).orElse(Labels.EMPTY);
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
