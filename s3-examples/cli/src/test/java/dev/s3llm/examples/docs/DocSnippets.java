package dev.s3llm.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Compares the Java blocks of a document with the sources of tests, which are compiled and run. */
public final class DocSnippets {
  private static final Path ROOT = Path.of("../..");
  private static final Path TESTS = Path.of("src/test/java");
  private static final Pattern JAVA = Pattern.compile("(?s)```java\n(.*?)```");

  private DocSnippets() {}

  /**
   * Returns the Java blocks of a document, in their order.
   *
   * @param document its path in the repository
   */
  public static List<String> of(String document) {
    return JAVA.matcher(read(ROOT.resolve(document)))
        .results()
        .map((MatchResult block) -> block.group(1))
        .toList();
  }

  /**
   * Returns the source of a test class of this module.
   *
   * @param test the class
   */
  public static String source(Class<?> test) {
    return read(TESTS.resolve(test.getName().replace('.', '/') + ".java"));
  }

  /**
   * Fails unless one of the sources contains the code. White space is ignored.
   *
   * @param code a block of a document
   * @param sources sources of test classes
   */
  public static void assertShown(String code, String... sources) {
    assertThat(sources)
        .as("a test must contain the code that a document shows: %s", code)
        .anyMatch(source -> squeeze(source).contains(squeeze(code)));
  }

  private static String squeeze(String text) {
    return text.replaceAll("\\s+", "");
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
