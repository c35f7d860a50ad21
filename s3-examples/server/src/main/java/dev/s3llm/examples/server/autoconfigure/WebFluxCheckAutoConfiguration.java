package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.spring.S3StartException;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;

/**
 * Stops the start of a servlet application, which would not have the endpoints, before a model is
 * loaded.
 */
@AutoConfiguration
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
public class WebFluxCheckAutoConfiguration {

  @Bean
  static BeanFactoryPostProcessor s3WebFluxCheck() {
    return beans -> {
      throw new S3StartException(
          "the endpoints of s3-example-server need WebFlux, but this is a servlet application",
          "Set spring.main.web-application-type=reactive, or remove the servlet web starter. An"
              + " application that needs the engine without these endpoints depends on"
              + " s3-spring-boot-starter instead, which needs no web framework.");
    };
  }
}
