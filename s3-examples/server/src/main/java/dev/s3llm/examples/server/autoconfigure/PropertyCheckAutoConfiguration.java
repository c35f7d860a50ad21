package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.spring.S3StartException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;

/**
 * Stops the start if a property that begins with {@code s3llm.} is unknown, before a model is
 * loaded: a mistyped name would have no effect. Environment variables are not checked, since
 * Kubernetes sets some for each service, and a service may be called {@code s3llm}.
 */
@AutoConfiguration
@ConditionalOnProperty(name = "s3llm.check-properties", matchIfMissing = true)
public class PropertyCheckAutoConfiguration {

  @Bean
  static BeanFactoryPostProcessor s3PropertyCheck(ConfigurableEnvironment environment) {
    return beans -> {
      KnownProperties known = KnownProperties.load(beans.getBeanClassLoader());
      Map<String, String> wrong = new TreeMap<>();
      for (PropertySource<?> source : environment.getPropertySources()) {
        names(source).stream()
            .filter(name -> !known.contains(name))
            .forEach(name -> wrong.put(name, known.nearest(name)));
      }
      if (!wrong.isEmpty()) {
        throw new S3StartException(message(wrong), "Correct the name, or remove the property.");
      }
    };
  }

  private static List<String> names(PropertySource<?> source) {
    boolean variables =
        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME.equals(source.getName());
    return variables || !(source instanceof EnumerablePropertySource<?> listed)
        ? List.of()
        : List.of(listed.getPropertyNames());
  }

  private static String message(Map<String, String> wrong) {
    StringBuilder message = new StringBuilder();
    wrong.forEach(
        (name, nearest) ->
            message
                .append(message.isEmpty() ? "" : "; ")
                .append("there is no property ")
                .append(name)
                .append(", the nearest is ")
                .append(nearest));
    return message.toString();
  }
}
