package dev.s3llm.spring.autoconfigure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.onnx.HiddenStatePredictor;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.simulate.Trace;
import dev.s3llm.spring.S3StartException;
import dev.s3llm.spring.ServedModel;
import dev.s3llm.spring.metrics.EngineMeterBinder;
import dev.s3llm.spring.metrics.GenerationMeters;
import dev.s3llm.spring.metrics.VllmMeterBinder;
import dev.s3llm.spring.tracing.GenerationSpans;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.tracing.Tracer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

class S3AutoConfigurationTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  S3AutoConfiguration.class,
                  S3MetricsAutoConfiguration.class,
                  S3TracingAutoConfiguration.class,
                  S3HealthAutoConfiguration.class))
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
              assertThat(context.getBean(ServedModel.class).name())
                  .isEqualTo(folder.getFileName().toString());
              assertThat(context).doesNotHaveBean(VllmMeterBinder.class);
            });
  }

  @Test
  void withoutAModelFolder_theSmallModelAndItsLengthModelAreUsed() {
    runner.run(
        context -> {
          assertThat(context.getBean(ServedModel.class).name()).isEqualTo("s3-small");
          assertThat(context.getBean(LengthPredictor.class))
              .isInstanceOf(CalibratedPredictor.class);
        });
  }

  @Test
  void lengthHead_readsTheHiddenStatesOfTheExecutor() {
    runner
        .withPropertyValues("s3llm.length-head=" + SmallModel.unpackHead())
        .run(
            context -> {
              assertThat(context.getBean(Executor.class).profile().featureWidth()).isPositive();
              HiddenStatePredictor head = context.getBean(HiddenStatePredictor.class);
              TextGenerator generator = context.getBean(TextGenerator.class);
              generator
                  .submit(TextRequest.builder().prompt("Count to 30.").maxNewTokens(40).build())
                  .result()
                  .join();
              await().untilAsserted(() -> assertThat(head.stats().revisions()).isPositive());
            });
  }

  @Test
  void headOfAnotherModel_isRefusedWithItsProperty() {
    runner
        .withPropertyValues("s3llm.length-head=" + SmallModel.unpackLengthModel())
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .rootCause()
                    .isInstanceOf(S3StartException.class)
                    .hasMessageContaining("s3llm.length-head"));
  }

  @Test
  void withoutAnyModel_theStartFailsAndNamesTheProperty() {
    runner
        .withClassLoader(new FilteredClassLoader(SmallModel.class))
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .rootCause()
                    .isInstanceOfSatisfying(
                        S3StartException.class,
                        e -> assertThat(e.action()).contains("s3llm.model")));
  }

  @Test
  void withoutOnnxRuntime_aLengthModelIsRefusedAndTheSmallModelLearnsLengths() {
    ApplicationContextRunner without =
        runner.withClassLoader(new FilteredClassLoader(OnnxLengthPredictor.class));
    without.run(
        context ->
            assertThat(context.getBean(LengthPredictor.class)).isInstanceOf(HintedPredictor.class));
    without
        .withPropertyValues("s3llm.length-model=lengths")
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .rootCause()
                    .isInstanceOf(S3StartException.class)
                    .hasMessageContaining("s3-predictor-onnx"));
  }

  @Test
  void withoutTheCudaModule_cudaIsRefusedAndAutoIsTheCpu() {
    ApplicationContextRunner without =
        runner.withClassLoader(new FilteredClassLoader("dev.s3llm.jcuda"));
    without
        .withPropertyValues("s3llm.device=auto")
        .run(
            context -> assertThat(context.getBean(Executor.class)).isInstanceOf(CpuExecutor.class));
    without
        .withPropertyValues("s3llm.device=cuda")
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .rootCause()
                    .isInstanceOf(S3StartException.class)
                    .hasMessageContaining("s3-executor-jcuda"));
  }

  @Test
  void withoutMicrometerAndHealth_theEngineIsThere() {
    runner
        .withClassLoader(
            new FilteredClassLoader(MeterRegistry.class, Tracer.class, HealthIndicator.class))
        .run(
            context -> {
              assertThat(context).hasNotFailed().hasSingleBean(TextGenerator.class);
              assertThat(context).doesNotHaveBean("s3EngineMeters");
              assertThat(context).doesNotHaveBean("s3GenerationSpans");
              assertThat(context).doesNotHaveBean("s3HealthIndicator");
            });
  }

  @Test
  void formats_areThoseOfTheExecutor() {
    runner
        .withPropertyValues("s3llm.device=host", "s3llm.kv-precision=int8", "s3llm.weights=int8")
        .run(
            context -> {
              ExecutorProfile coded = context.getBean(Executor.class).profile();
              try (Executor full = CpuExecutor.builder(SmallModel.unpack()).build()) {
                long bytes = full.profile().bytesPerBlock();
                assertThat(coded.bytesPerBlock()).isLessThan(bytes / 2);
              }
              TextRequest request = TextRequest.builder().prompt("A cat").maxNewTokens(4).build();
              context.getBean(TextGenerator.class).submit(request).result().join();
            });
  }

  @Test
  void activations_areSetAtTheExecutor() {
    runner
        .withPropertyValues("s3llm.device=host", "s3llm.weights=int8", "s3llm.activations=fp8")
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .hasStackTraceContaining("activations is FP8, which needs weights STORED or"));
  }

  @Test
  void beansOfTheApplication_replaceItsOwn() {
    MemoryPlanner planner = new OnDemandPlanner();
    LengthPredictor predictor = new HintedPredictor(new EmpiricalLengthPredictor());
    Executor executor = CpuExecutor.builder(SmallModel.unpack()).kvBytes(2L << 20).build();
    runner
        .withBean(Executor.class, () -> executor)
        .withBean(MemoryPlanner.class, () -> planner)
        .withBean(LengthPredictor.class, () -> predictor)
        .withPropertyValues("s3llm.metrics.vllm-names=true")
        .run(
            context -> {
              assertThat(context.getBean(Executor.class)).isSameAs(executor);
              assertThat(context.getBean(MemoryPlanner.class)).isSameAs(planner);
              assertThat(context.getBean(LengthPredictor.class)).isSameAs(predictor);
              assertThat(context).hasSingleBean(VllmMeterBinder.class);
              assertThat(context.getBean(S3Engine.class).maxTokensPerRequest()).isPositive();
            });
  }

  @Test
  void engineOfTheApplication_isServedWithoutASecondModel() {
    runner
        .withBean(S3Engine.class, S3AutoConfigurationTest::engine)
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

  @Test
  void recordFile_getsTheRequestsAsATrace(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("trace.csv");
    runner
        .withPropertyValues("s3llm.record-file=" + file)
        .run(
            context -> {
              TextRequest request =
                  TextRequest.builder().prompt("Once upon").maxNewTokens(3).build();
              context.getBean(TextGenerator.class).submit(request).result().join();
            });

    Trace trace = Trace.read(file); // closed with the context, after the engine
    assertThat(trace.requests()).hasSize(1);
    assertThat(trace.requests().get(0).terms().limitTokens()).isEqualTo(3);
    assertThat(Files.readString(file)).startsWith("arrival_s,");
  }

  @Test
  void recordFileThatCannotBeWritten_isNamedAtTheStart() {
    runner
        .withPropertyValues("s3llm.record-file=/no/such/folder/trace.csv")
        .run(
            context ->
                assertThat(context.getStartupFailure())
                    .hasStackTraceContaining("s3llm.record-file /no/such/folder/trace.csv cannot"));
  }

  /** The meters count what this engine does, and the health is its own. */
  private static void observed(ApplicationContext context, S3Engine engine) throws Exception {
    TextRequest request = TextRequest.builder().prompt("Once upon").maxNewTokens(1).build();
    context.getBean(TextGenerator.class).submit(request).result().join();
    MeterRegistry registry = new SimpleMeterRegistry();
    context.getBean(EngineMeterBinder.class).bindTo(registry);
    assertThat(registry.get(EngineMetric.SUBMITTED.metricName()).functionCounter().count())
        .isEqualTo(1);
    assertThat(context.getBean(GenerationMeters.class)).isNotNull();
    assertThat(context.getBean(GenerationSpans.class)).isNotNull();
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
    "kv-precision, half, s3llm.kv-precision",
    "weights, int3, s3llm.weights",
    "activations, int8, s3llm.activations",
    "time-per-output-token, 0ms, field 'timePerOutputToken'",
    "prediction-budget, 0ms, field 'predictionBudget'",
    "close-timeout, -1s, field 'closeTimeout'",
  })
  void wrongProperty_isNamedAtTheStart(String name, String value, String named) {
    runner
        .withPropertyValues("s3llm." + name + "=" + value)
        .run(context -> assertThat(context.getStartupFailure()).hasStackTraceContaining(named));
  }
}
