package dev.s3llm.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The program with which docs/langchain4j.md begins, compiled and run on the embedded model. */
class NewcomerTest {
  private static final Path SOURCE =
      Path.of("src/test/java/dev/s3llm/examples/langchain4j/Newcomer.java");

  @Test
  void program_isThatOfTheDocument() throws IOException {
    String source = Files.readString(SOURCE);

    assertThat(squeeze(Files.readString(Path.of("../../docs/langchain4j.md"))))
        .contains(squeeze(source.substring(source.indexOf("import "))));
  }

  private static String squeeze(String text) {
    return text.replaceAll("\\s+", "");
  }

  @Test
  void program_runs() {
    Newcomer.main(new String[0]); // fails if the stream fails or the record cannot be read
  }
}
