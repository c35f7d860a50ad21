package dev.s3llm.examples.server.autoconfigure;

import static org.springframework.web.reactive.function.server.RequestPredicates.method;
import static org.springframework.web.reactive.function.server.RequestPredicates.path;

import dev.s3llm.examples.server.call.CallListener;
import dev.s3llm.examples.server.call.Submitter;
import dev.s3llm.examples.server.http.ApiKeyFilter;
import dev.s3llm.examples.server.http.BrokenRequests;
import dev.s3llm.examples.server.http.CallFilter;
import dev.s3llm.examples.server.http.CallRunner;
import dev.s3llm.examples.server.http.HeadTimeout;
import dev.s3llm.examples.server.http.ModelsHandler;
import dev.s3llm.examples.server.http.OpenAiErrors;
import dev.s3llm.examples.server.http.OpenAiHandler;
import dev.s3llm.examples.server.http.OriginFilter;
import dev.s3llm.examples.server.http.RequestIdFilter;
import dev.s3llm.examples.server.http.RequestThreads;
import dev.s3llm.examples.server.http.ResponsesHandler;
import dev.s3llm.examples.server.http.ServerSettings;
import dev.s3llm.examples.server.http.WriteTimeout;
import dev.s3llm.spring.ServedModel;
import dev.s3llm.spring.autoconfigure.S3AutoConfiguration;
import dev.s3llm.text.TextGenerator;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.boot.webflux.autoconfigure.WebHttpHandlerBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.MethodNotAllowedException;
import reactor.core.publisher.Mono;

/** The endpoints of OpenAI's protocol. */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
@EnableConfigurationProperties(ServerProperties.class)
public class S3WebAutoConfiguration {

  /** The path of a model; its name may have slashes. */
  private static final String MODEL = "/v1/models/{*model}";

  @Bean
  @ConditionalOnMissingBean
  Submitter s3Submitter(
      TextGenerator generator,
      ObjectProvider<CallListener> listeners,
      ServerProperties properties) {
    return new Submitter(
        generator,
        listeners.orderedStream().toList(),
        properties.web().submitThreads(),
        properties.web().submitQueue());
  }

  @Bean
  @ConditionalOnMissingBean
  ServerSettings s3ServerSettings(ServedModel model, ServerProperties properties) {
    return new ServerSettings(
        model.name(),
        Instant.now(),
        Math.toIntExact(properties.web().maxRequestSize().toBytes()),
        properties.web().requestTimeout(),
        properties.web().maxOutputTokens(),
        properties.web().heartbeat(),
        Optional.ofNullable(properties.firstTokenWithin()),
        Optional.ofNullable(properties.deadline()));
  }

  @Bean
  @ConditionalOnMissingBean
  CallRunner s3CallRunner(
      Submitter submitter,
      ServerSettings settings,
      RequestThreads threads,
      TextGenerator generator) {
    return new CallRunner(submitter, settings, threads, generator.model());
  }

  @Bean
  RequestThreads s3RequestThreads() {
    return new RequestThreads(Math.max(2, Runtime.getRuntime().availableProcessors()));
  }

  /** Keeps the event loops free, so that liveness is answered while many requests arrive. */
  @Bean
  WebHttpHandlerBuilderCustomizer s3OffEventLoops(RequestThreads threads) {
    return builder -> builder.httpHandlerDecorator(threads::decorate);
  }

  @Bean
  @ConditionalOnMissingBean
  OpenAiHandler s3OpenAiHandler(CallRunner runner) {
    return new OpenAiHandler(runner);
  }

  @Bean
  RouterFunction<ServerResponse> s3OpenAiRoutes(
      OpenAiHandler handler, CallRunner runner, ServerProperties properties) {
    ResponsesHandler responses = new ResponsesHandler(runner);
    return RouterFunctions.route()
        .POST("/v1/chat/completions", handler::chat)
        .POST("/v1/completions", handler::completions)
        .POST("/v1/responses", responses::create)
        .route(
            path("/v1/chat/completions").or(path("/v1/completions")).or(path("/v1/responses")),
            only(HttpMethod.POST))
        .filter(ApiKeyFilter.of(properties.apiKeys()))
        .build();
  }

  @Bean
  RouterFunction<ServerResponse> s3ModelRoutes(
      ServerSettings settings, ServerProperties properties) {
    ModelsHandler handler = new ModelsHandler(settings);
    return RouterFunctions.route()
        .GET("/v1/models", handler::models)
        .GET(MODEL, handler::model)
        .route(method(HttpMethod.HEAD).and(path("/v1/models")), handler::models)
        .route(method(HttpMethod.HEAD).and(path(MODEL)), handler::model)
        .route(path("/v1/models").or(path(MODEL)), only(HttpMethod.GET))
        .filter(ApiKeyFilter.of(properties.apiKeys()))
        .build();
  }

  private static HandlerFunction<ServerResponse> only(HttpMethod method) {
    return request ->
        Mono.error(() -> new MethodNotAllowedException(request.method(), List.of(method)));
  }

  @Bean
  OpenAiErrors s3OpenAiErrors() {
    return new OpenAiErrors();
  }

  @Bean
  CallFilter s3CallFilter() {
    return new CallFilter();
  }

  @Bean
  RequestIdFilter s3RequestIdFilter(ServerProperties properties) {
    return new RequestIdFilter(properties.web().accessLog());
  }

  @Bean
  OriginFilter s3OriginFilter(ServerProperties properties) {
    return new OriginFilter(properties.web().corsOrigins());
  }

  /** Closes connections on which no valid request arrives, or whose client does not read. */
  @Bean
  NettyServerCustomizer s3Connections(ServerProperties properties) {
    ServerProperties.Web web = properties.web();
    return server ->
        server.doOnChannelInit(
            (observer, channel, address) -> {
              HeadTimeout.add(channel, web.requestTimeout(), web.idleTimeout());
              BrokenRequests.add(channel);
              channel.pipeline().addFirst("s3.writeTimeout", new WriteTimeout(web.writeTimeout()));
            });
  }
}
