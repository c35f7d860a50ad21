package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Clients from npm: OpenAI's own, and a load generator. */
class NodeClientTest {
  private static final Path SOURCE = Path.of("src", "test", "client");
  private static final Path FOLDER = Path.of("target", "client");
  private static final int QUEUE = 64;

  private static TestServer server;

  @BeforeAll
  static void install() throws Exception {
    boolean npm = runs("npm", "--version");
    if (!npm) {
      System.err.println("NOT RUN: OpenAI's client and the load test, because there is no npm");
    }
    assumeTrue(npm, "npm is needed for clients from npm");
    Files.createDirectories(FOLDER);
    try (Stream<Path> files = Files.list(SOURCE)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, FOLDER.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    run(Map.of(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts");
    server = TestServer.start("s3llm.max-live-requests=" + QUEUE);
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void clientOfOpenAi_isServed() throws Exception {
    run(environment(), "npm", "test");
  }

  @Test
  void load_isServedOrRefusedAndLeavesNothingBehind() throws Exception {
    run(environment(), "node", "load.js");
  }

  private static Map<String, String> environment() {
    return Map.of(
        "S3_URL",
        "http://127.0.0.1:" + server.port(),
        "S3_QUEUE",
        String.valueOf(QUEUE),
        "S3_STEADY",
        "32",
        "S3_TOKENS",
        "10");
  }

  private static boolean runs(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static void run(Map<String, String> environment, String... command) throws Exception {
    Path output = Files.createTempFile(Path.of("target"), "client", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(FOLDER.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      boolean ended = process.waitFor(4, TimeUnit.MINUTES);
      assertThat(ended).as("%s ends:%n%s", List.of(command), read(output)).isTrue();
      assertThat(process.exitValue()).as("%s:%n%s", List.of(command), read(output)).isZero();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static String read(Path output) {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
