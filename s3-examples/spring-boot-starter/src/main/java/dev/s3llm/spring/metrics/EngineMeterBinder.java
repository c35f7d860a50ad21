package dev.s3llm.spring.metrics;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineMetric;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Objects;

/** Binds the metrics of an engine, under the names of {@link EngineMetric}. Thread-safe. */
public final class EngineMeterBinder implements MeterBinder {
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
      // Not as the base unit, which registries append to names that have it already.
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
