package dev.s3llm.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The Java of a document: whatever it shows stands in a test as well, which compiles and runs it.
 */
public final class DocSnippets {
  private static final Path ROOT = Path.of("../..");
  private static final Path TESTS = Path.of("src/test/java");
  private static final Pattern JAVA = Pattern.compile("(?s)```java\n(.*?)```");

  private DocSnippets() {}

  /**
   * The Java blocks of a document, in order.
   *
   * @param document its path in the repository
   */
  public static List<String> of(String document) {
    return JAVA.matcher(text(document))
        .results()
        .map((MatchResult block) -> block.group(1))
        .toList();
  }

  /**
   * Returns the whole text of a document.
   *
   * @param document its path in the repository
   */
  static String text(String document) {
    return read(ROOT.resolve(document));
  }

  /** The source of a test class of this module. */
  public static String source(Class<?> test) {
    return read(TESTS.resolve(test.getName().replace('.', '/') + ".java"));
  }

  /** Fails unless the code stands in one of the sources, spaces and line breaks aside. */
  public static void assertShown(String code, String... sources) {
    assertThat(sources)
        .as("what a document shows must stand in a test: %s", code)
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
