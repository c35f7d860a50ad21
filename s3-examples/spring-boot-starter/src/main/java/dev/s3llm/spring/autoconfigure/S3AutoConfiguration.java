package dev.s3llm.spring.autoconfigure;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.simulate.Trace;
import dev.s3llm.spring.S3StartException;
import dev.s3llm.spring.ServedModel;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.ResourceLoader;

/**
 * Creates the engine and the model that it runs. A {@link SchedulingPolicy} bean sets the order of
 * the engine's queue; {@link EngineListener} beans listen to the engine.
 *
 * <p>A bean of the application replaces the bean of the same type and all beans that only that one
 * needs: with an engine of the application no executor, predictor and planner are created, with a
 * text generator of the application nothing is. The text generator owns engine and model and closes
 * them.
 */
@AutoConfiguration
@EnableConfigurationProperties({S3ModelProperties.class, S3EngineProperties.class})
public class S3AutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  ServedModel s3ServedModel(S3ModelProperties properties, ResourceLoader resources) {
    return new ServedModels(resources.getClassLoader()).find(properties);
  }

  @Bean(destroyMethod = "") // the engine closes it, unless a step hangs in it
  @ConditionalOnMissingBean({Executor.class, S3Engine.class, TextGenerator.class})
  Executor s3Executor(ServedModel model, S3ModelProperties properties, ResourceLoader resources) {
    ClassLoader classes = resources.getClassLoader();
    int featureLayer = new ServedModels(classes).featureLayer(model);
    return new ModelExecutors(properties, featureLayer).load(model.folder(), classes);
  }

  @Bean(destroyMethod = "") // the engine closes it
  @ConditionalOnMissingBean({LengthPredictor.class, S3Engine.class, TextGenerator.class})
  LengthPredictor s3LengthPredictor(ServedModel model, ResourceLoader resources) {
    return new ServedModels(resources.getClassLoader()).predictor(model);
  }

  @Bean
  @ConditionalOnMissingBean({MemoryPlanner.class, S3Engine.class, TextGenerator.class})
  MemoryPlanner s3MemoryPlanner(S3EngineProperties properties) {
    return switch (properties.planner()) {
      case FORECAST -> new ForecastPlanner();
      case S3 -> new S3Planner();
      case ON_DEMAND -> new OnDemandPlanner();
      case WORST_CASE -> new WorstCasePlanner();
    };
  }

  @Bean // an engine listener, closed after the engine
  @ConditionalOnProperty("s3llm.record-file")
  @ConditionalOnMissingBean({Trace.Recorder.class, S3Engine.class, TextGenerator.class})
  Trace.Recorder s3TraceRecorder(S3EngineProperties properties) {
    Path file = Objects.requireNonNull(properties.recordFile(), "s3llm.record-file");
    try {
      return Trace.recorder(file);
    } catch (IOException e) {
      throw new S3StartException(
          "s3llm.record-file " + file + " cannot be written: " + e,
          "Set s3llm.record-file to a file in a folder that exists and can be written, or remove it.");
    }
  }

  @Bean
  @ConditionalOnMissingBean({S3Engine.class, TextGenerator.class})
  S3Engine s3Engine(
      Executor executor,
      LengthPredictor predictor,
      MemoryPlanner planner,
      S3EngineProperties properties,
      ObjectProvider<SchedulingPolicy> policies,
      ObjectProvider<EngineListener> listeners) {
    EngineBuilder builder =
        S3Engine.builder(executor)
            .predictor(predictor)
            .planner(planner)
            .tenantWeights(weights(properties))
            .maxLiveRequests(properties.maxLiveRequests())
            .predictionBudget(properties.predictionBudget())
            .closeTimeout(properties.closeTimeout());
    if (properties.timePerOutputToken() != null) {
      builder.timePerOutputToken(properties.timePerOutputToken());
    }
    policies.ifAvailable(builder::schedulingPolicy);
    listeners.orderedStream().forEach(builder::listener);
    return builder.build();
  }

  private static Map<String, Double> weights(S3EngineProperties properties) {
    return properties.tenants().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, tenant -> tenant.getValue().weight()));
  }

  @Bean
  @ConditionalOnMissingBean({TextModel.class, TextGenerator.class})
  TextModel s3TextModel(ServedModel model) {
    return TextModel.load(model.folder());
  }

  @Bean
  @ConditionalOnMissingBean
  TextGenerator s3TextGenerator(S3Engine engine, TextModel model) {
    return TextGenerator.of(engine, model);
  }
}
