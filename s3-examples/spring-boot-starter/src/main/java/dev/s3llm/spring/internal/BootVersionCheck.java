package dev.s3llm.spring.internal;

import dev.s3llm.spring.S3StartException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.context.event.ApplicationStartingEvent;
import org.springframework.boot.diagnostics.LoggingFailureAnalysisReporter;
import org.springframework.context.ApplicationListener;
import org.springframework.core.Ordered;

/**
 * Stops the start on a version of Spring Boot that the starter does not support. It uses only types
 * that Spring Boot 3 has in the same place, and runs at the first event of the start: later ones
 * come after types that Spring Boot 3 lacks have been loaded.
 */
final class BootVersionCheck implements ApplicationListener<ApplicationStartingEvent>, Ordered {
  private static final int MAJOR = 4;
  private static final int MINOR = 1;

  /** Returns an order before that of Spring Boot's logging, which is silent at first. */
  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE;
  }

  @Override
  public void onApplicationEvent(ApplicationStartingEvent event) {
    try {
      require(SpringBootVersion.getVersion());
    } catch (S3StartException e) {
      // Spring Boot does not report failures of this event.
      new LoggingFailureAnalysisReporter().report(StartFailureAnalyzer.analysis(e));
      throw e;
    }
  }

  /**
   * Accepts Spring Boot 4.1 and later.
   *
   * @param version accepted too if it is null or not a version number
   * @throws S3StartException if the version is older
   */
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
