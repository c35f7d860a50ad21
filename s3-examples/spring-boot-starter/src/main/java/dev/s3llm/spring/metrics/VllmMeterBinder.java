package dev.s3llm.spring.metrics;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineSnapshot;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Objects;

/**
 * Binds the two gauges that inference gateways use to choose among replicas, under the names of
 * vLLM: {@code vllm:num_requests_waiting} and {@code vllm:kv_cache_usage_perc}. Thread-safe.
 */
public final class VllmMeterBinder implements MeterBinder {
  private static final String MODEL = "model_name";

  private final S3Engine engine;
  private final String model;

  /**
   * Creates a binder.
   *
   * @param engine the engine whose snapshots are read when a gauge is read
   * @param model value of the label {@code model_name}
   */
  public VllmMeterBinder(S3Engine engine, String model) {
    this.engine = Objects.requireNonNull(engine, "engine");
    this.model = Objects.requireNonNull(model, "model");
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
    return snapshot.requests().waiting() + snapshot.requests().predicting();
  }

  private static double kvUse(EngineSnapshot snapshot) {
    return (double) snapshot.memory().allocatedBlocks() / snapshot.memory().capacityBlocks();
  }
}
