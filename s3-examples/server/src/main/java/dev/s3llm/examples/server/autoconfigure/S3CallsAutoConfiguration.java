package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.examples.server.observe.CallMeters;
import dev.s3llm.examples.server.observe.CallSpans;
import dev.s3llm.spring.autoconfigure.S3MetricsAutoConfiguration;
import dev.s3llm.spring.autoconfigure.S3TracingAutoConfiguration;
import dev.s3llm.spring.metrics.GenerationMeters;
import dev.s3llm.spring.tracing.GenerationSpans;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** Records meters and spans of calls where the starter has recorders of them. */
@AutoConfiguration(after = {S3MetricsAutoConfiguration.class, S3TracingAutoConfiguration.class})
public class S3CallsAutoConfiguration {

  @Bean
  @ConditionalOnBean(GenerationMeters.class)
  @ConditionalOnMissingBean
  CallMeters s3CallMeters(GenerationMeters meters) {
    return new CallMeters(meters);
  }

  @Bean
  @ConditionalOnBean(GenerationSpans.class)
  @ConditionalOnMissingBean
  CallSpans s3CallSpans(GenerationSpans spans) {
    return new CallSpans(spans);
  }
}
