package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs clients from npm, which it installs into the build's folder. */
final class NodeClient {
  private static final Path SOURCE = Path.of("src", "test", "client");
  private static final Path FOLDER = Path.of("target", "client");

  private NodeClient() {}

  /** Returns whether npm is installed; prints a message if not. */
  static boolean available(String what) throws InterruptedException {
    boolean npm = runs("npm", "--version");
    if (!npm) {
      System.err.println("NOT RUN: " + what + ", because there is no npm");
    }
    return npm;
  }

  /**
   * Installs the clients. Test processes that run side by side install them once, and a later run
   * only if the versions have changed.
   */
  static void install() throws Exception {
    Files.createDirectories(FOLDER);
    Path lock = FOLDER.resolve("install.lock");
    try (FileChannel file =
            FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = file.lock()) {
      assertThat(held.isValid()).isTrue();
      copySources();
      Path installed = FOLDER.resolve("node_modules").resolve("installed-lock.json");
      Path wanted = FOLDER.resolve("package-lock.json");
      if (!Files.exists(installed) || Files.mismatch(installed, wanted) >= 0) {
        run(
            Map.of(),
            "npm",
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefer-offline");
        Files.copy(wanted, installed, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static void copySources() throws IOException {
    try (Stream<Path> files = Files.list(SOURCE)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, FOLDER.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
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

  /** Runs a command to its end; fails with its output if its exit status is not 0. */
  static void run(Map<String, String> environment, String... command) throws Exception {
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
