package dev.s3llm.examples.server.autoconfigure;

import static org.springframework.web.reactive.function.server.RequestPredicates.path;

import dev.s3llm.examples.server.http.ApiKeyFilter;
import dev.s3llm.examples.server.http.SpeechHandler;
import dev.s3llm.examples.server.http.SpeechSettings;
import dev.s3llm.examples.speech.transcribe.SpeechExecutors;
import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcriber;
import dev.s3llm.execute.Executor;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.spring.autoconfigure.S3AutoConfiguration;
import dev.s3llm.spring.health.EngineHealthIndicator;
import java.util.List;
import java.util.Optional;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.MethodNotAllowedException;
import reactor.core.publisher.Mono;

/** Speech to text, on an engine of its own. */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
@ConditionalOnProperty(name = "s3llm.speech.enabled", havingValue = "true")
@EnableConfigurationProperties({ServerProperties.class, SpeechProperties.class})
public class S3SpeechAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  SpeechModel s3SpeechModel(SpeechProperties properties) {
    return properties.model() == null
        ? SpeechModel.embedded()
        : SpeechModel.open(properties.model());
  }

  @Bean
  @ConditionalOnMissingBean
  Transcriber s3Transcriber(SpeechModel model, SpeechProperties properties) {
    return Transcriber.builder(model, executor(model, properties))
        .decoding(
            new Decoding(
                Decoding.Strategy.EASY_FIRST, properties.passes(), properties.leastPasses()))
        .longest(properties.longest())
        .engine(engine -> engine.maxLiveRequests(properties.maxLiveRequests()))
        .build();
  }

  @Bean
  EngineHealthIndicator s3SpeechHealthIndicator(Transcriber transcriber) {
    return new EngineHealthIndicator(transcriber.engine());
  }

  /** Not a bean: the engine that answers text has the one executor of the application. */
  private static Executor executor(SpeechModel model, SpeechProperties properties) {
    long kvBytes = properties.kvMemory().toBytes();
    return properties.device().equals("cuda")
        ? SpeechExecutors.cuda(model, kvBytes)
        : SpeechExecutors.cpu(model, kvBytes, properties.threads());
  }

  @Bean
  @ConditionalOnMissingBean
  SpeechHandler s3SpeechHandler(
      Transcriber transcriber, SpeechProperties speech, ServerProperties server) {
    return new SpeechHandler(
        transcriber,
        new SpeechSettings(
            speech.modelName(),
            Math.toIntExact(speech.maxFileSize().toBytes()),
            server.web().requestTimeout(),
            Optional.ofNullable(server.deadline()),
            server.web().submitThreads(),
            server.web().submitQueue()));
  }

  @Bean
  RouterFunction<ServerResponse> s3SpeechRoutes(
      SpeechHandler handler, ServerProperties properties) {
    String url = "/v1/audio/transcriptions";
    return RouterFunctions.route()
        .POST(url, handler::transcribe)
        .route(
            path(url),
            request ->
                Mono.error(
                    () ->
                        new MethodNotAllowedException(request.method(), List.of(HttpMethod.POST))))
        .filter(ApiKeyFilter.of(properties.apiKeys()))
        .build();
  }
}
