package dev.s3llm.spring.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.spring.ServedCall;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Meters of an engine without Spring. */
class EngineMeterBinderTest {
  private final MeterRegistry registry = new SimpleMeterRegistry();

  @Test
  void prometheus_getsHistogramsAndTenants_alsoWithinAComposite() {
    Path folder = SmallModel.unpack();
    S3Engine engine = S3Engine.builder(CpuExecutor.builder(folder).build()).build();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(folder))) {
      PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      new EngineMeterBinder(engine)
          .bindTo(new CompositeMeterRegistry(Clock.SYSTEM, List.of(prometheus, registry)));
      generator
          .submit(
              TextRequest.builder()
                  .prompt("Once upon")
                  .maxNewTokens(3)
                  .configure(r -> r.tenant("a"))
                  .build())
          .result()
          .join();
      assertThat(prometheus.scrape())
          .contains("# TYPE s3_latency_first_token_seconds histogram")
          .containsPattern("s3_latency_first_token_seconds_bucket\\{le=\"0.005\"} [01]\n")
          .contains("s3_latency_first_token_seconds_bucket{le=\"+Inf\"} 1\n")
          .contains("s3_tenant_latency_total_seconds_count{tenant=\"a\"} 1\n")
          .contains("s3_tenant_tokens_output_total{tenant=\"a\"} 3.0\n")
          .contains("s3_preemptions_total{reason=\"displaced\"} 0.0\n");
      assertThat(registry.get("s3.latency.total").functionTimer().count()).isEqualTo(1);
    }
  }

  @Test
  void engineAndItsRequests_areMeasuredWithoutSpring() {
    Path folder = SmallModel.unpack();
    S3Engine engine = S3Engine.builder(CpuExecutor.builder(folder).build()).build();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(folder))) {
      new EngineMeterBinder(engine).bindTo(registry);
      new VllmMeterBinder(engine, "small").bindTo(registry);
      GenerationMeters meters = new GenerationMeters(registry);

      Instant created = Instant.now();
      TextGeneration generation =
          generator.submit(TextRequest.builder().prompt("Once upon").maxNewTokens(3).build());
      ServedCall call = new ServedCall("chat", "small", generation.id(), created, Instant.now());
      TextResult result = generation.result().join();
      meters.ended(call, result, Optional.empty());
      meters.refused(call, "queue_full");

      assertThat(registry.getMeters())
          .extracting(Meter::getId)
          .extracting(Meter.Id::getName)
          .containsAll(
              Arrays.stream(EngineMetric.values())
                  .filter(metric -> !EngineMeterBinder.byTenant(metric))
                  .map(EngineMetric::metricName)
                  .toList())
          .contains("vllm:num_requests_waiting", "vllm:kv_cache_usage_perc");
      assertThat(registry.get("gen_ai.server.time_to_first_token").timer().count()).isEqualTo(1);
      assertThat(registry.get("s3.latency.queue").functionTimer().count()).isEqualTo(1);
      assertThat(
              registry.get("s3.preemptions").tag("reason", "displaced").functionCounter().count())
          .isZero();
      assertThat(
              registry
                  .get("gen_ai.server.request.duration")
                  .tag("error.type", "queue_full")
                  .timer()
                  .count())
          .isEqualTo(1);
    }
  }
}
