package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Starts on the wrong Spring stack, each in a JVM with its own class path. */
@Timeout(120)
class WrongStackTest {
  private static final Path TARGET = Path.of("target");

  @Test
  void springBoot3_isNamedAtTheStart() throws Exception {
    assertThat(start(replaced(jars("spring-boot-3"))))
        .contains(
            "APPLICATION FAILED TO START",
            "needs Spring Boot 4.1 or later, but this application runs 3.5.8")
        .doesNotContain("NoClassDefFoundError", "ClassNotFoundException");
  }

  @Test
  void servletApplication_isToldThatTheEndpointsNeedWebFlux() throws Exception {
    List<String> classPath = new ArrayList<>(classPath());
    classPath.addAll(jars("servlet"));
    assertThat(start(classPath))
        .contains(
            "APPLICATION FAILED TO START",
            "need WebFlux, but this is a servlet application",
            "spring.main.web-application-type=reactive")
        .doesNotContain("\tat "); // no stack trace
  }

  /** Returns the class path of these tests with other versions of some jars. */
  private static List<String> replaced(List<String> others) {
    Map<String, String> byName =
        others.stream().collect(Collectors.toMap(WrongStackTest::artifact, Function.identity()));
    Stream<String> kept = classPath().stream().filter(jar -> !byName.containsKey(artifact(jar)));
    return Stream.concat(kept, others.stream()).toList();
  }

  /** Returns the file name without version. */
  private static String artifact(String jar) {
    return Path.of(jar).getFileName().toString().replaceFirst("-\\d.*", "");
  }

  private static List<String> classPath() {
    String all =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return List.of(all.split(File.pathSeparator));
  }

  private static List<String> jars(String folder) throws IOException {
    try (Stream<Path> files = Files.list(TARGET.resolve(folder))) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  private static String start(List<String> classPath) throws Exception {
    Path output = Files.createTempFile(TARGET, "wrong-stack", ".log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-classpath",
                String.join(File.pathSeparator, classPath),
                ServerApplication.class.getName(),
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--s3llm.device=host")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      boolean ended = process.waitFor(1, TimeUnit.MINUTES);
      assertThat(ended).as(Files.readString(output)).isTrue();
      assertThat(process.exitValue()).isEqualTo(1);
    } finally {
      process.destroyForcibly();
    }
    return Files.readString(output);
  }
}
