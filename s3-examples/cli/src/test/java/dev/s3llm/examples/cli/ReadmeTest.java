package dev.s3llm.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.jcuda.HostExecutor;
import dev.s3llm.jcuda.model.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The README's 30-second start, compiled and run; and it is what the README says. */
class ReadmeTest {

  @Test
  void start_answersAPrompt() {
    Path folder = SmallModel.unpack();
    HostExecutor executor = HostExecutor.builder(folder).kvBytes(256L << 20).build();
    try (TextTokenizer tokenizer = TextTokenizer.load(folder);
        S3Engine engine = S3Engine.builder(executor).build()) {
      int[] prompt = tokenizer.encode("What is a monad?");
      Generation generation =
          engine.submit(GenerationRequest.builder(prompt).maxNewTokens(128).build());
      GenerationResult result = generation.result().join();
      System.out.println(tokenizer.decode(result.tokens()));
      assertThat(tokenizer.decode(result.tokens())).isNotBlank();
    }
  }

  @Test
  void readme_showsTheLinesOfTheTest() throws IOException {
    String readme = squeeze(Files.readString(Path.of("../../README.md")));
    String test =
        squeeze(Files.readString(Path.of("src/test/java/dev/s3llm/examples/cli/ReadmeTest.java")));
    for (String line :
        List.of(
            "HostExecutor.builder(folder).kvBytes(256L << 20).build();",
            "S3Engine.builder(executor).build())",
            "engine.submit(GenerationRequest.builder(prompt).maxNewTokens(128).build());",
            "System.out.println(tokenizer.decode(result.tokens()));")) {
      assertThat(readme).contains(squeeze(line));
      assertThat(test).contains(squeeze(line));
    }
  }

  private static String squeeze(String text) {
    return text.replaceAll("\\s+", "");
  }
}
