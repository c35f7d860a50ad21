package dev.s3llm.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.guide.DocSnippets;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.template.ChatMessage;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The README's 30-second start, compiled and run; and it is what the README says. */
class ReadmeTest {

  @Test
  void start_answersAPrompt() {
    Path folder = SmallModel.unpack();
    CpuExecutor executor = CpuExecutor.builder(folder).kvBytes(256L << 20).build();
    S3Engine engine = S3Engine.builder(executor).build();
    try (TextGenerator generator = TextGenerator.of(engine, TextModel.load(folder))) {
      TextRequest request =
          TextRequest.builder()
              .messages(ChatMessage.user("What is a monad?"))
              .maxNewTokens(128)
              .build();
      System.out.println(generator.submit(request).result().join().text());
      assertThat(generator.submit(request).result().join().text()).isNotBlank();
    }
  }

  @Test
  void readme_showsTheLinesOfTheTest() {
    List<String> start = DocSnippets.of("README.md").get(0).lines().toList();
    // All but the first line, which names a folder, and the last brace.
    String shown = String.join("\n", start.subList(1, start.size() - 1));
    DocSnippets.assertShown(shown, DocSnippets.source(ReadmeTest.class));
  }
}
