package dev.s3llm.jcuda.internal.driver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** JCuda's calls return error codes; every call must check its code. */
class DriverCallsTest {
  private static final Path SOURCES = Path.of("src", "main", "java");
  private static final Pattern CALL =
      Pattern.compile("\\bJCuda(Driver)?\\s*\\.\\s*(cu\\w+)\\s*\\(");

  /** Ends with the wrapper that throws, and with its text for the call. */
  private static final Pattern CHECKED =
      Pattern.compile("\\bcheck\\(\\s*\"[^\"]*\"(\\s*\\+\\s*(\\w+|\"[^\"]*\"))*\\s*,\\s*$");

  /** Ends a capture that has failed already; the first error counts. */
  private static final String GIVES_UP =
      "JCudaDriver.cuStreamEndCapture(stream, graph); // gives up";

  @Test
  void everyCallOfTheDriver_isChecked() throws IOException {
    List<String> unchecked = new ArrayList<>();
    int calls = 0;
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        String source = Files.readString(file);
        Matcher call = CALL.matcher(source);
        while (call.find()) {
          calls++;
          boolean known = source.startsWith(GIVES_UP, call.start());
          if (!known && !CHECKED.matcher(source.substring(0, call.start())).find()) {
            unchecked.add(file.getFileName() + ": " + call.group(2));
          }
        }
      }
    }
    assertThat(calls).as("calls found").isGreaterThan(30);
    assertThat(unchecked).isEmpty();
  }

  @Test
  void callsAreNotHiddenByStaticImports() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        assertThat(Files.readString(file)).as("%s", file).doesNotContain("import static jcuda");
      }
    }
  }
}
