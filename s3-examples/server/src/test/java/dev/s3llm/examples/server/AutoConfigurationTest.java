package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.examples.server.autoconfigure.S3AutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3ObservabilityAutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3WebAutoConfiguration;
import dev.s3llm.examples.server.metrics.EngineMeters;
import dev.s3llm.examples.server.metrics.VllmMeters;
import dev.s3llm.examples.server.openai.OpenAiHandler;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

class AutoConfigurationTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  S3AutoConfiguration.class,
                  S3WebAutoConfiguration.class,
                  S3ObservabilityAutoConfiguration.class))
          .withPropertyValues("s3llm.device=host");

  @Test
  void modelFolder_isEnough() {
    Path folder = SmallModel.unpack();
    runner
        .withPropertyValues("s3llm.model=" + folder)
        .run(
            context -> {
              TextGenerator generator = context.getBean(TextGenerator.class);
              TextRequest request =
                  TextRequest.builder().prompt("Name three colours.").maxNewTokens(5).build();
              assertThat(generator.submit(request).result().join().text()).isNotEmpty();
              assertThat(context.getBean(LengthPredictor.class))
                  .isInstanceOf(HintedPredictor.class);
              assertThat(context).doesNotHaveBean(VllmMeters.class);
              assertThat(context).doesNotHaveBean(OpenAiHandler.class); // no web application
            });
  }

  @Test
  void beansOfTheApplication_replaceItsOwn() {
    MemoryPlanner planner = new OnDemandPlanner();
    LengthPredictor predictor = new HintedPredictor(new EmpiricalLengthPredictor());
    runner
        .withUserConfiguration(GatedExecutor.Bringing.class)
        .withBean(MemoryPlanner.class, () -> planner)
        .withBean(LengthPredictor.class, () -> predictor)
        .withPropertyValues("s3llm.metrics.vllm-names=true")
        .run(
            context -> {
              assertThat(context.getBean(Executor.class)).isInstanceOf(GatedExecutor.class);
              assertThat(context.getBean(MemoryPlanner.class)).isSameAs(planner);
              assertThat(context.getBean(LengthPredictor.class)).isSameAs(predictor);
              assertThat(context).hasSingleBean(VllmMeters.class);
              assertThat(context.getBean(S3Engine.class).maxTokensPerRequest()).isPositive();
            });
  }

  @Test
  void engineOfTheApplication_isServedWithoutASecondModel() {
    runner
        .withBean(S3Engine.class, AutoConfigurationTest::engine)
        .run(
            context -> {
              S3Engine engine = context.getBean(S3Engine.class);
              assertThat(context.getBean(TextGenerator.class).engine()).isSameAs(engine);
              assertThat(context).doesNotHaveBean(Executor.class);
              assertThat(context).doesNotHaveBean(LengthPredictor.class);
              assertThat(context).doesNotHaveBean(MemoryPlanner.class);
              observed(context, engine);
            });
  }

  @Test
  void generatorOfTheApplication_isServedAndWatchedWithoutASecondEngine() {
    TextGenerator generator = TextGenerator.of(engine(), TextModel.load(SmallModel.unpack()));
    runner
        .withBean(TextGenerator.class, () -> generator)
        .run(
            context -> {
              assertThat(context).doesNotHaveBean(S3Engine.class);
              assertThat(context).doesNotHaveBean(Executor.class);
              assertThat(context).doesNotHaveBean(TextModel.class);
              observed(context, generator.engine());
            });
  }

  private static S3Engine engine() {
    return S3Engine.builder(CpuExecutor.builder(SmallModel.unpack()).build()).build();
  }

  /** The meters count what this engine does, and the health is its own. */
  private static void observed(ApplicationContext context, S3Engine engine) throws Exception {
    TextRequest request = TextRequest.builder().prompt("Once upon").maxNewTokens(1).build();
    context.getBean(TextGenerator.class).submit(request).result().join();
    MeterRegistry registry = new SimpleMeterRegistry();
    context.getBean(EngineMeters.class).bindTo(registry);
    assertThat(registry.get(EngineMetric.SUBMITTED.metricName()).functionCounter().count())
        .isEqualTo(1);
    HealthIndicator health = context.getBean(HealthIndicator.class);
    assertThat(health.health().getStatus()).isEqualTo(Status.UP);
    engine.close();
    assertThat(health.health().getStatus()).isEqualTo(Status.DOWN);
  }

  @ParameterizedTest
  @CsvSource({
    "device, tpu, field 'device'",
    "max-live-requests, 0, field 'maxLiveRequests'",
    "threads, -1, field 'threads'",
    "planner, best, s3llm.planner",
    "tenants.docs.weight, 0, weight",
    "kv-memory, much, s3llm.kv-memory",
    "kv-memory, -1B, s3llm.kv-memory",
    "time-per-output-token, 0ms, field 'timePerOutputToken'",
    "first-token-within, 0ms, field 'firstTokenWithin'",
    "deadline, -1s, field 'deadline'",
    "prediction-budget, 0ms, field 'predictionBudget'",
    "close-timeout, -1s, field 'closeTimeout'",
    "web.heartbeat, 0ms, field 'web.heartbeat'",
    "web.request-timeout, 0ms, field 'web.requestTimeout'",
    "web.write-timeout, 0ms, field 'web.writeTimeout'",
    "web.max-request-size, 3GB, s3llm.web.max-request-size",
    "web.max-request-size, -1B, s3llm.web.max-request-size",
  })
  void wrongProperty_isNamedAtTheStart(String name, String value, String named) {
    runner
        .withPropertyValues("s3llm." + name + "=" + value)
        .run(context -> assertThat(context.getStartupFailure()).hasStackTraceContaining(named));
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
