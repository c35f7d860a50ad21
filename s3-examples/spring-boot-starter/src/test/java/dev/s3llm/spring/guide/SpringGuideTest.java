package dev.s3llm.spring.guide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.TextGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** What docs/spring.md shows, compiled and run on the embedded model. */
class SpringGuideTest {
  private static final Pattern JAVA = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Path SOURCES = Path.of("src/test/java/dev/s3llm/spring/guide");

  @Test
  void everyBlock_standsInACompiledSource() throws IOException {
    List<String> blocks =
        JAVA.matcher(Files.readString(Path.of("../../docs/spring.md")))
            .results()
            .map(block -> squeeze(block.group(1)))
            .toList();
    String sources =
        squeeze(
            Files.readString(SOURCES.resolve("Newcomer.java"))
                + Files.readString(SOURCES.resolve("SpringGuide.java")));

    assertThat(blocks)
        .hasSizeGreaterThan(5)
        .allSatisfy(block -> assertThat(sources).contains(block));
  }

  private static String squeeze(String text) {
    return text.replaceAll("(?m)^package .*$", "").replaceAll("\\s+", "");
  }

  @Test
  void guide_runs() {
    try (ConfigurableApplicationContext context =
        SpringApplication.run(
            Newcomer.class, "--s3llm.device=host", "--s3llm.chat.max-tokens=40")) {
      SpringGuide guide = new SpringGuide(context.getBean(ChatClient.Builder.class).build());

      assertThat(guide.stream("Tell me about the sea.").blockFirst()).isNotEmpty();
      assertThat(guide.people()).isNotNull();
      assertThat(guide.thinking()).endsWith(" tokens");
      assertThat(SpringGuide.withoutBoot(context.getBean(TextGenerator.class)).call("Hello?"))
          .isNotEmpty();
    }
  }
}
