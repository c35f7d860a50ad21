package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * The engine and the model that it runs. A {@link QueueOrder} bean and {@link EngineListener} beans
 * are given to the engine. A bean of the application's own replaces what is here together with all
 * that only that would need: beside an engine no model is loaded, beside a generator nothing is.
 * The generator owns what it is made of: it is closed first, and closing the rest again does
 * nothing.
 */
@AutoConfiguration
@EnableConfigurationProperties(S3Properties.class)
public class S3AutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  ModelFolders s3ModelFolders(S3Properties properties) {
    return ModelFolders.of(properties);
  }

  @Bean(destroyMethod = "") // the engine closes it, unless a step hangs in it
  @ConditionalOnMissingBean({Executor.class, S3Engine.class, TextGenerator.class})
  Executor s3Executor(ModelFolders folders, S3Properties properties) {
    return Executors.load(folders.model(), properties);
  }

  @Bean(destroyMethod = "") // the engine closes it
  @ConditionalOnMissingBean({LengthPredictor.class, S3Engine.class, TextGenerator.class})
  LengthPredictor s3LengthPredictor(ModelFolders folders) {
    Path lengths = folders.lengthModel();
    return lengths == null
        ? new HintedPredictor(new EmpiricalLengthPredictor())
        : new CalibratedPredictor(OnnxLengthPredictor.load(lengths));
  }

  @Bean
  @ConditionalOnMissingBean({MemoryPlanner.class, S3Engine.class, TextGenerator.class})
  MemoryPlanner s3MemoryPlanner(S3Properties properties) {
    return switch (properties.planner()) {
      case FORECAST -> new ForecastPlanner();
      case S3 -> new S3Planner();
      case ON_DEMAND -> new OnDemandPlanner();
      case WORST_CASE -> new WorstCasePlanner();
    };
  }

  @Bean
  @ConditionalOnMissingBean({S3Engine.class, TextGenerator.class})
  S3Engine s3Engine(
      Executor executor,
      LengthPredictor predictor,
      MemoryPlanner planner,
      S3Properties properties,
      ObjectProvider<QueueOrder> orders,
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
    orders.ifAvailable(builder::order);
    listeners.orderedStream().forEach(builder::listener);
    return builder.build();
  }

  private static Map<String, Double> weights(S3Properties properties) {
    return properties.tenants().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, tenant -> tenant.getValue().weight()));
  }

  @Bean
  @ConditionalOnMissingBean({TextModel.class, TextGenerator.class})
  TextModel s3TextModel(ModelFolders folders) {
    return TextModel.load(folders.model());
  }

  @Bean
  @ConditionalOnMissingBean
  TextGenerator s3TextGenerator(S3Engine engine, TextModel model) {
    return TextGenerator.of(engine, model);
  }
}
