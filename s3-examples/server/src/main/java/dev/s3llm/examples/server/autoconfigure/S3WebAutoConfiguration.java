package dev.s3llm.examples.server.autoconfigure;

import static org.springframework.web.reactive.function.server.RequestPredicates.path;

import dev.s3llm.examples.server.openai.CallFilter;
import dev.s3llm.examples.server.openai.CallListener;
import dev.s3llm.examples.server.openai.OpenAiErrors;
import dev.s3llm.examples.server.openai.OpenAiHandler;
import dev.s3llm.examples.server.openai.ServerSettings;
import dev.s3llm.examples.server.openai.Submitter;
import dev.s3llm.text.TextGenerator;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
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
public class S3WebAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  Submitter s3Submitter(
      TextGenerator generator, ObjectProvider<CallListener> listeners, S3Properties properties) {
    return new Submitter(
        generator,
        listeners.orderedStream().toList(),
        properties.web().submitThreads(),
        properties.web().submitQueue());
  }

  @Bean
  @ConditionalOnMissingBean
  OpenAiHandler s3OpenAiHandler(
      Submitter submitter, ModelFolders folders, S3Properties properties) {
    return new OpenAiHandler(
        submitter,
        new ServerSettings(
            folders.name(),
            Instant.now(),
            Math.toIntExact(properties.web().maxRequestSize().toBytes()),
            properties.web().requestTimeout(),
            properties.web().heartbeat(),
            Optional.ofNullable(properties.firstTokenWithin()),
            Optional.ofNullable(properties.deadline())));
  }

  @Bean
  RouterFunction<ServerResponse> s3OpenAiRoutes(OpenAiHandler handler, S3Properties properties) {
    return RouterFunctions.route()
        .POST("/v1/chat/completions", handler::chat)
        .POST("/v1/completions", handler::completions)
        .GET("/v1/models", handler::models)
        .GET("/v1/models/{model}", handler::model)
        .route(path("/v1/chat/completions").or(path("/v1/completions")), only(HttpMethod.POST))
        .route(path("/v1/models").or(path("/v1/models/{model}")), only(HttpMethod.GET))
        .filter(ApiKeyFilter.of(properties.tenants()))
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

  /** Ends connections on which no request arrives, or whose client does not read. */
  @Bean
  NettyServerCustomizer s3Timeouts(S3Properties properties) {
    S3Properties.Web web = properties.web();
    return server ->
        server.doOnChannelInit(
            (observer, channel, address) -> {
              HeadTimeout.add(channel, web.requestTimeout());
              channel.pipeline().addFirst("s3.writeTimeout", new WriteTimeout(web.writeTimeout()));
            });
  }
}
