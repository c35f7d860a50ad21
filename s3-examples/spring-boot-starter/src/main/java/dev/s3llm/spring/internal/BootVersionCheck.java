package dev.s3llm.spring.internal;

import dev.s3llm.spring.S3StartException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.Ordered;

/**
 * Stops the start on a version of Spring Boot that the starter does not support. Uses only types
 * that Spring Boot 3 has in the same place, and runs before the first post-processor.
 */
final class BootVersionCheck
    implements ApplicationListener<ApplicationEnvironmentPreparedEvent>, Ordered {
  private static final int MAJOR = 4;
  private static final int MINOR = 1;

  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE;
  }

  @Override
  public void onApplicationEvent(ApplicationEnvironmentPreparedEvent event) {
    require(SpringBootVersion.getVersion());
  }

  /** Accepts 4.1 and later, and what is no version number. */
  static void require(@Nullable String version) {
    String[] parts = version == null ? new String[0] : version.split("\\.", -1);
    if (parts.length < 2 || !parts[0].matches("\\d{1,4}") || !parts[1].matches("\\d{1,4}")) {
      return;
    }
    int major = Integer.parseInt(parts[0]);
    if (major < MAJOR || (major == MAJOR && Integer.parseInt(parts[1]) < MINOR)) {
      throw new S3StartException(
          "s3-spring-boot-starter needs Spring Boot %d.%d or later, but this application runs %s"
              .formatted(MAJOR, MINOR, version),
          "Use Spring Boot %d.%d or later, or create S3Engine and TextGenerator without the starter."
              .formatted(MAJOR, MINOR));
    }
  }
}
