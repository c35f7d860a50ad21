package dev.s3llm.spring.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.env.DefaultPropertiesPropertySource;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.UrlResource;
import org.springframework.core.io.support.PropertiesLoaderUtils;

/**
 * Adds the properties of all resources {@value #RESOURCE} with the lowest precedence: every
 * property source of the application wins, key by key, default properties of {@code
 * SpringApplication} included. A library must not have an {@code application.properties} of its
 * own: it would replace the application's file or be replaced by it.
 */
final class LibraryDefaults implements EnvironmentPostProcessor, Ordered {
  static final String RESOURCE = "META-INF/s3llm-defaults.properties";

  @Override
  public int getOrder() {
    return Ordered.LOWEST_PRECEDENCE;
  }

  @Override
  public void postProcessEnvironment(
      ConfigurableEnvironment environment, SpringApplication application) {
    // The default properties stay the last source, so the library's join those.
    PropertySource<?> existing =
        environment.getPropertySources().get(DefaultPropertiesPropertySource.NAME);
    Map<String, Object> missing = new HashMap<>();
    load(application.getClassLoader())
        .forEach(
            (key, value) -> {
              if (existing == null || !existing.containsProperty(key)) {
                missing.put(key, value);
              }
            });
    DefaultPropertiesPropertySource.addOrMerge(missing, environment.getPropertySources());
  }

  private static Map<String, String> load(ClassLoader classes) {
    Map<String, String> all = new TreeMap<>();
    try {
      for (URL resource : Collections.list(classes.getResources(RESOURCE))) {
        Properties properties = PropertiesLoaderUtils.loadProperties(new UrlResource(resource));
        properties.stringPropertyNames().forEach(k -> all.put(k, properties.getProperty(k)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RESOURCE, e);
    }
    return all;
  }
}
