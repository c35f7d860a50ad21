package dev.s3llm.examples.server.metrics;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineMetric;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

/** The engine's own metrics, by its own names. */
public final class EngineMeters implements MeterBinder {
  private final S3Engine engine;

  /** Reads this engine's snapshots. */
  public EngineMeters(S3Engine engine) {
    this.engine = engine;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    for (EngineMetric metric : EngineMetric.values()) {
      // The unit is no part of the names, which say what is counted already.
      String description = "in units of " + metric.unit();
      switch (metric.kind()) {
        case GAUGE ->
            Gauge.builder(metric.metricName(), engine, e -> metric.read(e.snapshot()))
                .description(description)
                .register(registry);
        case COUNTER ->
            FunctionCounter.builder(metric.metricName(), engine, e -> metric.read(e.snapshot()))
                .description(description)
                .register(registry);
      }
    }
  }
}
