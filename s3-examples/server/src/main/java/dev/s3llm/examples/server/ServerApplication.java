package dev.s3llm.examples.server;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;

/** The server application. Auto-configuration creates everything in it. */
@SpringBootApplication
public class ServerApplication {

  /** Starts the server. */
  public static void main(String[] args) {
    application().run(args);
  }

  /**
   * Returns the application with its own default properties. They are not in an {@code
   * application.yaml}, which would take effect in every application that depends on this module.
   */
  static SpringApplicationBuilder application() {
    return new SpringApplicationBuilder(ServerApplication.class)
        .properties(
            "spring.application.name=s3-server",
            "management.endpoint.health.show-details=always",
            "management.health.diskspace.enabled=false",
            "management.health.ssl.enabled=false");
  }
}
