package dev.s3llm.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the start of the README, exactly as it is printed. */
class ReadmeTest {
  private static final int MAX_LINES = 120;

  @TempDir Path classes;

  @Test
  void start_compilesAsPrintedAndPrintsAnAnswer() {
    String start = DocSnippets.of("README.md").get(0);

    String printed = new SnippetCompiler(classes).compile("Start", start).runMain("Start");

    assertThat(printed).isNotBlank();
  }

  @Test
  void readme_hasAtMost120Lines() {
    assertThat(DocSnippets.text("README.md").lines()).hasSizeLessThanOrEqualTo(MAX_LINES);
  }
}
