package dev.s3llm.spring.autoconfigure;

import dev.s3llm.spring.health.EngineHealthIndicator;
import dev.s3llm.text.TextGenerator;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/** Creates the health indicator {@code s3} of the engine that the text generator uses. */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnClass(HealthIndicator.class)
public class S3HealthAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean(name = "s3HealthIndicator")
  HealthIndicator s3HealthIndicator(TextGenerator generator) {
    return new EngineHealthIndicator(generator.engine());
  }
}
