package dev.s3llm.examples.server.autoconfigure;

import static org.springframework.web.reactive.function.server.RequestPredicates.method;
import static org.springframework.web.reactive.function.server.RequestPredicates.path;

import dev.s3llm.examples.server.http.ApiKeyFilter;
import dev.s3llm.examples.server.http.LiveHandler;
import dev.s3llm.examples.server.live.LiveEvents;
import dev.s3llm.examples.server.live.LiveFeed;
import dev.s3llm.examples.server.live.LivePage;
import dev.s3llm.spring.ServedModel;
import dev.s3llm.spring.autoconfigure.S3AutoConfiguration;
import dev.s3llm.text.TextGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * The live page. It shows the requests of all tenants, so that it needs an API key of its own where
 * tenants have keys.
 */
@AutoConfiguration(after = S3AutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
@ConditionalOnProperty(name = "s3llm.live-page.enabled", matchIfMissing = true)
@EnableConfigurationProperties(ServerProperties.class)
public class S3LiveAutoConfiguration {
  private static final Logger log = LoggerFactory.getLogger(S3LiveAutoConfiguration.class);

  @Bean
  LiveEvents s3LiveEvents() {
    return new LiveEvents();
  }

  @Bean
  LiveFeed s3LiveFeed(TextGenerator generator, LiveEvents events, ServerProperties properties) {
    return new LiveFeed(generator.engine(), events, properties.livePage().maxViewers());
  }

  /** Ends the streams before the web server waits for the requests in progress. */
  @Bean
  ApplicationListener<ContextClosedEvent> s3LiveEnd(LiveFeed feed) {
    return event -> feed.close();
  }

  @Bean
  RouterFunction<ServerResponse> s3LiveRoutes(
      LiveFeed feed, ServerProperties properties, ServedModel model) {
    String key = properties.livePage().apiKey();
    boolean tenantsHaveKeys =
        properties.tenants().values().stream().anyMatch(tenant -> !tenant.apiKeys().isEmpty());
    if (key == null && tenantsHaveKeys) {
      log.info("tenants have API keys, so /live is off until s3llm.live-page.api-key is set");
      return request -> Mono.empty();
    }
    LiveHandler handler = new LiveHandler(feed, new LivePage(model.toy()));
    RouterFunction<ServerResponse> data =
        RouterFunctions.route()
            .GET("/live/state", handler::state)
            .GET("/live/stream", handler::stream)
            .filter(ApiKeyFilter.of(key))
            .build();
    return RouterFunctions.route()
        .GET("/live", handler::page)
        .route(method(HttpMethod.HEAD).and(path("/live")), handler::page)
        .add(data)
        .build();
  }
}
