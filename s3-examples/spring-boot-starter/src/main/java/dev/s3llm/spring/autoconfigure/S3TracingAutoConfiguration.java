package dev.s3llm.spring.autoconfigure;

import dev.s3llm.spring.tracing.GenerationSpans;
import io.micrometer.tracing.Tracer;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** Creates the recorder of spans. */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnClass(Tracer.class)
public class S3TracingAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  GenerationSpans s3GenerationSpans(ObjectProvider<Tracer> tracers) {
    return new GenerationSpans(tracers.getIfAvailable(() -> Tracer.NOOP));
  }
}
