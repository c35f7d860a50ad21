package dev.s3llm.examples.docs;

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
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compiles and runs the Java code of docs/embedding.md. */
class EmbeddingGuideTest {
  private final int[] prompt = {5, 6, 7, 5};

  static java.util.List<String> blocks() {
    return DocSnippets.of("docs/embedding.md");
  }

  @ParameterizedTest
  @MethodSource("blocks")
  void everyBlock_standsInATest(String block) {
    String shown = block.replaceAll("(?m)^import .*;$", "");
    DocSnippets.assertShown(
        shown,
        DocSnippets.source(EmbeddingGuideTest.class),
        DocSnippets.source(LookupExecutor.class),
        DocSnippets.source(LookupExecutorTest.class),
        DocSnippets.source(KindPredictor.class),
        DocSnippets.source(KindPredictorTest.class),
        DocSnippets.source(ServiceAnswer.class));
  }

  @Test
  void guide_showsTheExecutorWholeAndInSixtyLines() {
    String shown =
        blocks().stream()
            .filter(b -> b.contains("class LookupExecutor "))
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
            .order(SchedulingPolicies.shortestPredictedFirst())
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
    assertThat(serve(engine, GenerationRequest.builder(prompt).deadline(Duration.ZERO).build()))
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
