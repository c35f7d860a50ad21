package dev.s3llm.spring.metrics;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.observe.EngineMetric.Kind;
import dev.s3llm.observe.EngineSnapshot.Histogram;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Binds the metrics of an engine, under the names of {@link EngineMetric}. A Prometheus registry
 * gets all of them, times as histograms with buckets. Another registry gets number and sum of the
 * times, and no metrics by tenant: Micrometer must know tags in advance, and has no meter for a
 * histogram that is counted elsewhere. Bind one engine to a registry. Thread-safe.
 */
public final class EngineMeterBinder implements MeterBinder {
  private static final String PROMETHEUS =
      "io.micrometer.prometheusmetrics.PrometheusMeterRegistry";

  private final S3Engine engine;

  /**
   * Creates a binder.
   *
   * @param engine the engine whose snapshots are read when a metric is read
   */
  public EngineMeterBinder(S3Engine engine) {
    this.engine = Objects.requireNonNull(engine, "engine");
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    for (EngineMetric metric : EngineMetric.values()) {
      if (metric.kind() != Kind.HISTOGRAM && !byTenant(metric)) {
        metric
            .readSeries(engine.snapshot())
            .keySet()
            .forEach(value -> number(metric, value, registry));
      }
    }
    times(registry);
  }

  /** Returns whether a metric has a series for each tenant, which nobody knows in advance. */
  static boolean byTenant(EngineMetric metric) {
    return metric.label().filter("tenant"::equals).isPresent();
  }

  private void number(EngineMetric metric, String value, MeterRegistry registry) {
    Tags tags = metric.label().map(label -> Tags.of(label, value)).orElse(Tags.empty());
    // The unit is not the base unit, which registries append to names that have it already.
    String description = metric.description() + ", in units of " + metric.unit();
    if (metric.kind() == Kind.GAUGE) {
      Gauge.builder(metric.metricName(), engine, e -> read(e, metric, value))
          .tags(tags)
          .description(description)
          .register(registry);
    } else {
      FunctionCounter.builder(metric.metricName(), engine, e -> read(e, metric, value))
          .tags(tags)
          .description(description)
          .register(registry);
    }
  }

  private static double read(S3Engine engine, EngineMetric metric, String value) {
    return metric.readSeries(engine.snapshot()).getOrDefault(value, 0.0);
  }

  private void times(MeterRegistry registry) {
    if (registry instanceof CompositeMeterRegistry composite) {
      composite.getRegistries().forEach(this::times);
    } else if (isPrometheus(registry.getClass())) {
      PrometheusHistograms.bindTo(registry, engine);
    } else {
      for (EngineMetric metric : EngineMetric.values()) {
        if (metric.kind() == Kind.HISTOGRAM && !byTenant(metric)) {
          timer(metric, registry);
        }
      }
    }
  }

  /** Compares names, since the class of Prometheus's registry may be missing. */
  private static boolean isPrometheus(@Nullable Class<?> type) {
    return type != null
        && (type.getName().equals(PROMETHEUS) || isPrometheus(type.getSuperclass()));
  }

  private void timer(EngineMetric metric, MeterRegistry registry) {
    FunctionTimer.builder(
            metric.metricName(),
            engine,
            e -> all(e, metric).count(),
            e -> all(e, metric).sum().toNanos(),
            TimeUnit.NANOSECONDS)
        .description(metric.description())
        .register(registry);
  }

  private static Histogram all(S3Engine engine, EngineMetric metric) {
    return metric.histograms(engine.snapshot()).getOrDefault("", Histogram.NONE);
  }
}
