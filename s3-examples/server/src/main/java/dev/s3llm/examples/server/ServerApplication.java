package dev.s3llm.examples.server;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts the server. Everything in it comes from auto-configuration. */
@SpringBootApplication
public class ServerApplication {

  /** Starts the server. */
  public static void main(String[] args) {
    SpringApplication.run(ServerApplication.class, args);
  }
}
