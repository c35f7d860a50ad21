package dev.s3llm.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.S3Engine;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.examples.server.autoconfigure.S3AutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3ObservabilityAutoConfiguration;
import dev.s3llm.examples.server.autoconfigure.S3WebAutoConfiguration;
import dev.s3llm.examples.server.metrics.VllmMeters;
import dev.s3llm.examples.server.openai.OpenAiHandler;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.text.TextGenerator;
import dev.s3llm.jcuda.text.TextRequest;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

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

  @ParameterizedTest
  @CsvSource({
    "device, tpu, field 'device'",
    "max-live-requests, 0, field 'maxLiveRequests'",
    "threads, -1, field 'threads'",
    "planner, best, s3llm.planner",
    "tenants.docs.weight, 0, weight",
    "kv-memory, much, s3llm.kv-memory",
  })
  void wrongProperty_isNamedAtTheStart(String name, String value, String named) {
    runner
        .withPropertyValues("s3llm." + name + "=" + value)
        .run(context -> assertThat(context.getStartupFailure()).hasStackTraceContaining(named));
  }
}
