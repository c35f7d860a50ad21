package dev.s3llm.examples.server.metrics;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineSnapshot;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

/**
 * The two gauges by which inference gateways and routers choose among replicas, under the names
 * that vLLM gave them.
 */
public final class VllmMeters implements MeterBinder {
  private static final String MODEL = "model_name";

  private final S3Engine engine;
  private final String model;

  /** Reads this engine's snapshots; the model's name is a label. */
  public VllmMeters(S3Engine engine, String model) {
    this.engine = engine;
    this.model = model;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Gauge.builder("vllm:num_requests_waiting", engine, e -> waiting(e.snapshot()))
        .description("Requests that wait to run.")
        .tag(MODEL, model)
        .register(registry);
    Gauge.builder("vllm:kv_cache_usage_perc", engine, e -> kvUse(e.snapshot()))
        .description("Share of the KV memory that holds tokens; 1 is all of it.")
        .tag(MODEL, model)
        .register(registry);
  }

  private static double waiting(EngineSnapshot snapshot) {
    return snapshot.waiting() + snapshot.predicting();
  }

  private static double kvUse(EngineSnapshot snapshot) {
    return (double) snapshot.allocatedBlocks() / snapshot.capacityBlocks();
  }
}
