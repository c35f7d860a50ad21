package dev.s3llm.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.springai.S3ChatModel;
import dev.s3llm.springai.S3ChatOptions;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class S3ChatAutoConfigurationTest {
  private static final TextGenerator GENERATOR =
      TextGenerator.of(
          S3Engine.builder(CpuExecutor.builder(SmallModel.unpack()).kvBytes(64L << 20).build())
              .build(),
          TextModel.load(SmallModel.unpack()));

  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withBean(
              TextGenerator.class,
              () -> GENERATOR,
              bean -> bean.setDestroyMethodName("")) // shared: loaded once, closed at the end
          .withConfiguration(
              AutoConfigurations.of(
                  S3AutoConfiguration.class,
                  S3ChatAutoConfiguration.class,
                  ToolCallingAutoConfiguration.class,
                  ChatClientAutoConfiguration.class));

  @AfterAll
  static void close() {
    GENERATOR.close();
  }

  record Person(String name, int age) {}

  @Test
  void chatClient_answersByASchema() {
    runner
        .withPropertyValues("s3llm.chat.max-tokens=60")
        .run(
            context -> {
              ChatClient client = context.getBean(ChatClient.Builder.class).build();
              Person person =
                  client.prompt("Ada was 36. Who is she, in JSON?").call().entity(Person.class);
              assertThat(person.name()).isNotNull();
              assertThat(client.prompt("Name a colour.").stream().content().blockFirst())
                  .isNotEmpty();
              assertThat(context.getBean(ChatModel.class).getOptions().getModel())
                  .isEqualTo("s3-small");
            });
  }

  @Test
  void properties_areTheOptionsOfTheModel() {
    runner
        .withPropertyValues(
            "s3llm.chat.temperature=0.7", "s3llm.chat.max-tokens=9", "s3llm.chat.thinking=false")
        .run(
            context ->
                assertThat(context.getBean(S3ChatModel.class).getOptions())
                    .isEqualTo(
                        S3ChatOptions.builder()
                            .model("s3-small")
                            .temperature(0.7)
                            .maxTokens(9)
                            .thinking(false)
                            .build()));
  }

  @Test
  void optionsOfTheApplication_replaceTheProperties() {
    runner
        .withBean(S3ChatOptions.class, () -> S3ChatOptions.builder().tenant("docs").build())
        .run(
            context ->
                assertThat(context.getBean(S3ChatModel.class).getOptions().getTenant())
                    .isEqualTo("docs"));
  }

  @Test
  void anotherModelOfSpringAi_orNoSpringAi_leavesTheGeneratorAlone() {
    runner
        .withPropertyValues("spring.ai.model.chat=openai", "spring.ai.chat.client.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(ChatModel.class));
    runner
        .withClassLoader(new FilteredClassLoader("org.springframework.ai", "dev.s3llm.springai"))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(TextGenerator.class));
  }

  @ParameterizedTest
  @CsvSource({
    "temperature, -1, field 'temperature'",
    "top-p, 0, field 'topP'",
    "min-p, 2, field 'minP'",
    "max-tokens, 0, field 'maxTokens'",
    "thinking-budget, -1, field 'thinkingBudget'",
  })
  void wrongProperty_isNamedAtTheStart(String name, String value, String named) {
    runner
        .withPropertyValues("s3llm.chat." + name + "=" + value)
        .run(context -> assertThat(context.getStartupFailure()).hasStackTraceContaining(named));
  }
}
