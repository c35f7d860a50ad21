package dev.s3llm.examples.server;

import static dev.s3llm.examples.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import tools.jackson.databind.JsonNode;

/** An application with a configuration of its own that depends on the server module. */
class EmbeddedServerTest {
  @TempDir private Path folder;

  /** The application. It is not a component, so that the server's component scan ignores it. */
  @EnableAutoConfiguration
  static class Application {}

  @Test
  void ownFile_keepsTheModulesDefaultsAndGetsNothingOfItsApplication() throws Exception {
    Files.writeString(
        folder.resolve("application.properties"),
        "management.endpoint.health.group.liveness.include=livenessState\n");
    try (TestServer server = start()) {
      assertThat(server.get("/actuator/prometheus").statusCode()).isEqualTo(200);
      JsonNode readiness = json(server.get("/actuator/health/readiness").body());
      assertThat(readiness.get("status").asString()).isEqualTo("UP");
      assertThat(server.property("management.endpoint.health.group.liveness.include"))
          .isEqualTo("livenessState");
      assertThat(server.property("management.endpoint.health.group.readiness.include"))
          .isEqualTo("readinessState,s3");
      assertThat(server.property("spring.lifecycle.timeout-per-shutdown-phase")).isEqualTo("20s");
      for (String leaked :
          new String[] {
            "spring.application.name",
            "management.endpoint.health.show-details",
            "management.health.diskspace.enabled"
          }) {
        assertThat(server.property(leaked)).as(leaked).isNull();
      }
    }
  }

  @Test
  void ownFile_winsOverTheModulesDefaults() throws Exception {
    Files.writeString(
        folder.resolve("application.yaml"),
        """
        management.endpoints.web.exposure.include: [health]
        spring.lifecycle.timeout-per-shutdown-phase: 3s
        """);
    try (TestServer server = start()) {
      assertThat(server.get("/actuator/prometheus").statusCode()).isEqualTo(404);
      assertThat(server.get("/actuator/health").statusCode()).isEqualTo(200);
      assertThat(server.property("spring.lifecycle.timeout-per-shutdown-phase")).isEqualTo("3s");
    }
  }

  private TestServer start() {
    return TestServer.start(
        new SpringApplicationBuilder(Application.class),
        "spring.config.location=" + folder.toUri());
  }
}
