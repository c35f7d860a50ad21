package dev.s3llm.examples.docs;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatRole;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.Conversation;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.ToolCall;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What docs/embedding.md shows, compiled and run. */
class EmbeddingGuideTest {
  private static final String PACKAGE = "package dev.s3llm.examples.docs;\n";
  private static final Pattern IMPORT = Pattern.compile("(?m)^import .*;\n");
  private static final Pattern DECLARED_CLASS = Pattern.compile("(?m)^(?:final )?class (\\w+)");

  /** Declares what the statements of the guide use without declaring it. */
  private static final String STATEMENTS =
      """
      class Statements {
        dev.s3llm.execute.Executor executor;
        dev.s3llm.S3Engine engine;
        java.nio.file.Path lengthModel;
        java.util.Map<String, Double> gauges;
        StringBuilder alerts;
        io.micrometer.core.instrument.MeterRegistry registry;
        java.util.List<java.util.Map<String, Object>> tools;

        void run() {
      %s  }
      }
      """;

  private final int[] prompt = {5, 6, 7, 5};

  static List<String> blocks() {
    return DocSnippets.of("docs/embedding.md");
  }

  @ParameterizedTest
  @MethodSource("blocks")
  void everyBlock_standsInATest(String block) {
    String shown = withoutImports(block);
    DocSnippets.assertShown(
        shown,
        DocSnippets.source(EmbeddingGuideTest.class),
        DocSnippets.source(LookupExecutor.class),
        DocSnippets.source(LookupExecutorTest.class),
        DocSnippets.source(VirtualTime.class),
        DocSnippets.source(KindPredictor.class),
        DocSnippets.source(KindPredictorTest.class),
        DocSnippets.source(ServiceAnswer.class));
  }

  @ParameterizedTest
  @MethodSource("blocks")
  void everyBlock_compilesWithTheImportsItShows(String block, @TempDir Path classes) {
    Matcher declared = DECLARED_CLASS.matcher(block);
    if (declared.find()) {
      new SnippetCompiler(classes).compile(declared.group(1), PACKAGE + block);
    } else {
      String source =
          PACKAGE + imports(block) + STATEMENTS.formatted(withoutImports(block).indent(4));
      new SnippetCompiler(classes).compile("Statements", source);
    }
  }

  private static String imports(String block) {
    return IMPORT.matcher(block).results().map(MatchResult::group).collect(joining());
  }

  private static String withoutImports(String block) {
    return IMPORT.matcher(block).replaceAll("").strip() + "\n";
  }

  @Test
  void guide_showsTheExecutorWholeAndInSixtyLines() {
    String shown =
        blocks().stream()
            .filter(b -> b.contains("class LookupExecutor "))
            .map(EmbeddingGuideTest::withoutImports)
            .findFirst()
            .orElseThrow();

    assertThat(shown.lines()).hasSizeLessThanOrEqualTo(60);
    assertThat(shown).contains("public void close()").endsWith("}\n");
  }

  @Test
  void parts_areWired() {
    Executor executor = new LookupExecutor();
    Path lengthModel = SmallModel.unpackLengthModel();
    S3Engine engine =
        S3Engine.builder(executor)
            .predictor(new CalibratedPredictor(OnnxLengthPredictor.load(lengthModel)))
            .planner(new ForecastPlanner())
            .schedulingPolicy(SchedulingPolicies.shortestPredictedFirst())
            .tenantWeights(Map.of("paying", 4.0))
            .maxLiveRequests(1_000)
            .stuckAfter(Duration.ofSeconds(60))
            .closeTimeout(Duration.ofSeconds(20))
            .build();
    assertThat(answer(engine).tokens()).startsWith(6, 7, 5, 6);
    engine.close();
    assertThat(engine.health().healthy()).isFalse();
  }

  @Test
  void ownPredictor_isCalibratedByWhatComes() {
    Executor executor = new LookupExecutor();
    S3Engine engine =
        S3Engine.builder(executor).predictor(new CalibratedPredictor(new KindPredictor())).build();
    assertThat(answer(engine).prediction()).isPresent();
    engine.close();
  }

  @Test
  void conversation_hasToolsAndVariables() {
    List<Map<String, Object>> tools = List.of(Map.of("type", "function"));
    ToolCall call = new ToolCall("call_1", "weather", Map.of("city", "Paris"));
    Conversation conversation =
        Conversation.builder(
                ChatMessage.user("What is the weather in Paris?"),
                ChatMessage.builder(ChatRole.ASSISTANT).toolCall(call).build(),
                ChatMessage.tool("21 degrees", call.id()))
            .tools(tools) // JSON schemas as lists and maps
            .variable("enable_thinking", false)
            .build();
    TextRequest request = TextRequest.builder().conversation(conversation).build();
    assertThat(request.messages()).hasSize(3);
    String template =
        "{{ tools[0].type }} {{ messages[1].tool_calls[0].function.arguments.city }}"
            + " {{ messages[2].tool_call_id }} {{ enable_thinking }}";
    assertThat(ChatTemplate.jinja(template, "", "").render(conversation))
        .isEqualTo("function Paris call_1 False");
  }

  @Test
  void metrics_areALoop() {
    S3Engine engine = S3Engine.builder(new LookupExecutor()).build();
    answer(engine);
    Map<String, Double> gauges = new TreeMap<>();
    EngineSnapshot snapshot = engine.snapshot();
    for (EngineMetric metric : EngineMetric.values()) {
      gauges.put(metric.metricName(), metric.read(snapshot));
    }
    engine.close();
    assertThat(gauges)
        .hasSize(EngineMetric.values().length)
        .containsEntry("s3.engine.healthy", 1.0);
  }

  @Test
  void metrics_reachMicrometer() throws Exception {
    MeterRegistry registry = new SimpleMeterRegistry();
    S3Engine engine = S3Engine.builder(new LookupExecutor()).build();
    for (EngineMetric metric : EngineMetric.values()) {
      ToDoubleFunction<S3Engine> value = e -> metric.read(e.snapshot());
      switch (metric.kind()) {
        case GAUGE -> Gauge.builder(metric.metricName(), engine, value).register(registry);
        case COUNTER, HISTOGRAM ->
            FunctionCounter.builder(metric.metricName(), engine, value).register(registry);
      }
    }
    answer(engine);
    FunctionCounter output = registry.get("s3.tokens.output").functionCounter();
    for (int i = 0; i < 5_000 && output.count() < 8; i++) {
      Thread.sleep(1); // a snapshot may be one pass behind a result
    }
    assertThat(output.count()).isEqualTo(8);
    assertThat(registry.get("s3.engine.healthy").gauge().value()).isEqualTo(1);
    engine.close();
  }

  @Test
  void listener_hearsOfDriftAndLoss() {
    StringBuffer alerts = new StringBuffer();
    Executor executor = new LookupExecutor();
    S3Engine engine =
        S3Engine.builder(executor)
            .listener(
                event -> {
                  if (event instanceof EngineEvent.PredictionDrift drift && drift.drifting()) {
                    alerts.append("lengths are not what they were: " + drift);
                  } else if (event instanceof EngineEvent.EngineLost lost) {
                    alerts.append("restart this instance: " + lost.cause());
                  }
                })
            .build();
    answer(engine);
    engine.close();
    assertThat(alerts).isEmpty();
  }

  @Test
  void refusal_hasAStatus() {
    S3Engine engine = S3Engine.builder(new LookupExecutor()).build();
    assertThat(serve(engine, GenerationRequest.builder(prompt).build())).isEqualTo(200);
    assertThat(serve(engine, GenerationRequest.builder(prompt).maxNewTokens(5_000).build()))
        .isEqualTo(400);
    assertThat(
            serve(engine, GenerationRequest.builder(prompt).deadline(Duration.ofNanos(1)).build()))
        .isEqualTo(504);
    engine.close();
    assertThat(serve(engine, GenerationRequest.builder(prompt).build())).isEqualTo(503);
  }

  private static int serve(S3Engine engine, GenerationRequest request) {
    try {
      Generation generation = engine.submit(request);
      return ServiceAnswer.status(generation.result().join());
    } catch (RequestRefusedException e) {
      return ServiceAnswer.status(e);
    }
  }

  private GenerationResult answer(S3Engine engine) {
    return engine.submit(GenerationRequest.builder(prompt).maxNewTokens(8).build()).result().join();
  }
}
