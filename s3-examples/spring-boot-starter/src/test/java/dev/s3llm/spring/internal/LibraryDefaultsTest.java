package dev.s3llm.spring.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** The starter's default properties beside the configuration of an application. */
class LibraryDefaultsTest {
  private static final String LIVENESS = "management.endpoint.health.group.liveness.include";
  private static final String READINESS = "management.endpoint.health.group.readiness.include";

  @TempDir private Path folder;

  /** An application without auto-configuration. */
  static class Application {}

  @Test
  void applicationWithoutAFile_hasTheDefaults() {
    try (ConfigurableApplicationContext context = application().run(config())) {
      assertThat(property(context, LIVENESS)).isEqualTo("livenessState,s3");
      assertThat(property(context, READINESS)).isEqualTo("readinessState,s3");
    }
  }

  @Test
  void fileOfTheApplication_winsKeyByKey() throws Exception {
    Files.writeString(
        folder.resolve("application.yaml"),
        """
        management.endpoint.health.group.liveness.include: livenessState
        spring.application.name: mine
        """);
    try (ConfigurableApplicationContext context = application().run(config())) {
      assertThat(property(context, LIVENESS)).isEqualTo("livenessState");
      assertThat(property(context, READINESS)).isEqualTo("readinessState,s3");
      assertThat(property(context, "spring.application.name")).isEqualTo("mine");
    }
  }

  @Test
  void propertiesFileOfTheApplication_winsKeyByKey() throws Exception {
    Files.writeString(folder.resolve("application.properties"), READINESS + "=readinessState");
    try (ConfigurableApplicationContext context = application().run(config())) {
      assertThat(property(context, LIVENESS)).isEqualTo("livenessState,s3");
      assertThat(property(context, READINESS)).isEqualTo("readinessState");
    }
  }

  @Test
  void defaultPropertiesOfTheApplication_winToo() {
    try (ConfigurableApplicationContext context =
        application().properties(LIVENESS + "=ping").run(config())) {
      assertThat(property(context, LIVENESS)).isEqualTo("ping");
      assertThat(property(context, READINESS)).isEqualTo("readinessState,s3");
    }
  }

  @Test
  void jar_hasNoApplicationFile() {
    for (String name : new String[] {"properties", "yaml", "yml"}) {
      assertThat(LibraryDefaults.class.getResource("/application." + name)).isNull();
    }
  }

  private String config() {
    return "--spring.config.location=optional:" + folder.toUri();
  }

  private static SpringApplicationBuilder application() {
    return new SpringApplicationBuilder(Application.class)
        .web(WebApplicationType.NONE)
        .registerShutdownHook(false);
  }

  private static String property(ConfigurableApplicationContext context, String name) {
    return context.getEnvironment().getProperty(name);
  }
}
