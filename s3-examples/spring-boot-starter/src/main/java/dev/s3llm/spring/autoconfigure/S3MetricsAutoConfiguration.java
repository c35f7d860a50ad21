package dev.s3llm.spring.autoconfigure;

import dev.s3llm.spring.ServedModel;
import dev.s3llm.spring.metrics.EngineMeterBinder;
import dev.s3llm.spring.metrics.GenerationMeters;
import dev.s3llm.spring.metrics.VllmMeterBinder;
import dev.s3llm.text.TextGenerator;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/** Creates meters of the engine that the application's text generator uses. */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnClass(MeterRegistry.class)
@EnableConfigurationProperties(S3MetricsProperties.class)
public class S3MetricsAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  EngineMeterBinder s3EngineMeters(TextGenerator generator) {
    return new EngineMeterBinder(generator.engine());
  }

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty("s3llm.metrics.vllm-names")
  VllmMeterBinder s3VllmMeters(TextGenerator generator, ServedModel model) {
    return new VllmMeterBinder(generator.engine(), model.name());
  }

  @Bean
  @ConditionalOnMissingBean
  GenerationMeters s3GenerationMeters(ObjectProvider<MeterRegistry> registries) {
    return new GenerationMeters(registries.getIfAvailable(() -> Metrics.globalRegistry));
  }
}
