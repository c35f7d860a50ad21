package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.S3Engine;
import dev.s3llm.examples.server.metrics.CallMeters;
import dev.s3llm.examples.server.metrics.EngineMeters;
import dev.s3llm.examples.server.metrics.VllmMeters;
import dev.s3llm.examples.server.tracing.CallTracer;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.text.TextGenerator;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import io.micrometer.tracing.Tracer;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Meters, spans and health of the engine that serves, each where its library is there. */
@AutoConfiguration(after = S3AutoConfiguration.class)
public class S3ObservabilityAutoConfiguration {

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(MeterRegistry.class)
  static class Meters {

    @Bean
    @ConditionalOnMissingBean
    EngineMeters s3EngineMeters(TextGenerator generator) {
      return new EngineMeters(generator.engine());
    }

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnProperty("s3llm.metrics.vllm-names")
    VllmMeters s3VllmMeters(TextGenerator generator, ModelFolders folders) {
      return new VllmMeters(generator.engine(), folders.name());
    }

    @Bean
    @ConditionalOnMissingBean
    CallMeters s3CallMeters(ObjectProvider<MeterRegistry> registries) {
      return new CallMeters(registries.getIfAvailable(() -> Metrics.globalRegistry));
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(Tracer.class)
  static class Spans {

    @Bean
    @ConditionalOnMissingBean
    CallTracer s3CallTracer(ObjectProvider<Tracer> tracers) {
      return new CallTracer(tracers.getIfAvailable(() -> Tracer.NOOP));
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(HealthIndicator.class)
  static class EngineHealth {

    @Bean
    @ConditionalOnMissingBean(name = "s3HealthIndicator")
    HealthIndicator s3HealthIndicator(TextGenerator generator) {
      S3Engine engine = generator.engine();
      return () -> {
        EngineSnapshot now = engine.snapshot();
        dev.s3llm.observe.Health health = engine.health();
        return (health.healthy()
                ? Health.up()
                : Health.down().withDetail("reason", health.reason()))
            .withDetail("waiting", now.waiting() + now.predicting())
            .withDetail("running", now.running())
            .withDetail("steps", now.steps())
            .build();
      };
    }
  }
}
