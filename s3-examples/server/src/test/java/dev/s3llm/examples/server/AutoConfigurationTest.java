package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.examples.server.autoconfigure.PropertyCheckAutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3CallsAutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3LiveAutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3WebAutoConfiguration;
import dev.s3llm.examples.server.http.OpenAiHandler;
import dev.s3llm.execute.Executor;
import dev.s3llm.spring.autoconfigure.S3AutoConfiguration;
import dev.s3llm.text.TextGenerator;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;

class AutoConfigurationTest {
  private static final AutoConfigurations ALL =
      AutoConfigurations.of(
          S3AutoConfiguration.class,
          S3CallsAutoConfiguration.class,
          S3LiveAutoConfiguration.class,
          PropertyCheckAutoConfiguration.class,
          S3WebAutoConfiguration.class);
  private final ReactiveWebApplicationContextRunner runner =
      new ReactiveWebApplicationContextRunner()
          .withConfiguration(ALL)
          .withPropertyValues("s3llm.device=host");

  @Test
  void applicationWithoutAWebServer_hasTheGeneratorAndNoEndpoints() {
    new ApplicationContextRunner()
        .withConfiguration(ALL)
        .withPropertyValues("s3llm.device=host", "s3llm.model=" + SmallModel.unpack())
        .run(
            context -> {
              assertThat(context).hasSingleBean(TextGenerator.class);
              assertThat(context).doesNotHaveBean(OpenAiHandler.class);
            });
  }

  @Test
  void executorOfTheApplication_isServed() {
    runner
        .withUserConfiguration(GatedExecutor.Bringing.class)
        .run(
            context -> {
              assertThat(context.getBean(Executor.class)).isInstanceOf(GatedExecutor.class);
              assertThat(context).hasSingleBean(OpenAiHandler.class);
            });
  }

  @ParameterizedTest
  @CsvSource({
    "first-token-within, 0ms, field 'firstTokenWithin'",
    "deadline, -1s, field 'deadline'",
    "web.heartbeat, 0ms, field 'web.heartbeat'",
    "web.request-timeout, 0ms, field 'web.requestTimeout'",
    "web.idle-timeout, 0ms, field 'web.idleTimeout'",
    "web.write-timeout, 0ms, field 'web.writeTimeout'",
    "web.max-request-size, 3GB, s3llm.web.max-request-size",
    "web.max-request-size, -1B, s3llm.web.max-request-size",
  })
  void wrongProperty_isNamedAtTheStart(String name, String value, String named) {
    runner
        .withPropertyValues("s3llm." + name + "=" + value)
        .run(context -> assertThat(context.getStartupFailure()).hasStackTraceContaining(named));
  }

  @ParameterizedTest
  @CsvSource({
    "s3llm.max-live-request, s3llm.max-live-requests",
    "s3llm.web.max-request-sizes, s3llm.web.max-request-size",
    "s3llm.modle, s3llm.model",
    "s3llm.tenants.docs.api-key, s3llm.tenants.NAME.api-keys",
  })
  void mistypedProperty_isNamedWithTheNearestOne(String name, String nearest) {
    runner
        .withPropertyValues(name + "=1")
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .hasMessage(
                        "there is no property %s, the nearest is %s".formatted(name, nearest)));
  }

  @Test
  void otherSpellingsOfAProperty_areAccepted() {
    runner
        .withUserConfiguration(GatedExecutor.Bringing.class)
        .withPropertyValues(
            "s3llm.maxLiveRequests=9",
            "s3llm.tenants[a.b].apiKeys[0]=k",
            "s3llm.tenants.docs.weight=2",
            "s3llm.web.cors-origins[0]=https://chat.example.com")
        .run(context -> assertThat(context).hasNotFailed());
    runner
        .withUserConfiguration(GatedExecutor.Bringing.class)
        .withPropertyValues("s3llm.check-properties=false", "s3llm.modle=1")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void keyOfTwoTenants_isRefusedAtTheStartAndNotTold() {
    runner
        .withPropertyValues(
            "s3llm.tenants.docs.api-keys[0]=same-key", "s3llm.tenants.batch.api-keys[0]=same-key")
        .run(
            context ->
                assertThat(Throwables.getStackTrace(context.getStartupFailure()))
                    .contains("an API key must be of one tenant only")
                    .doesNotContain("same-key"));
  }
}
