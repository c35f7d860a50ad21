package dev.s3llm.examples.server;

import dev.s3llm.S3Engine;
import dev.s3llm.examples.server.autoconfigure.ServerProperties;
import dev.s3llm.observe.Health;
import dev.s3llm.spring.ServedModel;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.reactive.ConfigurableReactiveWebServerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.RequestPredicate;
import org.springframework.web.reactive.function.server.RequestPredicates;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.util.HtmlUtils;
import reactor.core.publisher.Mono;

/**
 * What the application has and other applications with the auto-configuration have not: the page at
 * {@code /}, {@code /health}, and a listening address that is safe by default.
 */
@Configuration(proxyBeanMethods = false)
class HomeRoutes {
  private static final Logger log = LoggerFactory.getLogger(HomeRoutes.class);

  private static final String PAGE =
      """
      <!doctype html>
      <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>S3 for Java</title>
      <h1>S3 for Java</h1>
      <p>This server runs the model <b>%s</b>%s.</p>
      <ul>
      <li><code>POST /v1/chat/completions</code>, <code>/v1/completions</code>, <code>/v1/responses</code>
      <li><a href="v1/models">/v1/models</a>
      <li><a href="live">/live</a>: the batch while it runs
      <li><a href="health">/health</a>, <a href="actuator/health">/actuator/health</a>,
      <a href="actuator/prometheus">/actuator/prometheus</a>
      </ul>
      """;

  @Bean
  RouterFunction<ServerResponse> s3HomeRoutes(S3Engine engine, ServedModel model) {
    String page =
        PAGE.formatted(
            HtmlUtils.htmlEscape(model.name()),
            model.toy() ? ", a toy whose answers make little sense" : "");
    return RouterFunctions.route()
        .route(get("/"), request -> html(page))
        .route(get("/health"), request -> health(engine.health()))
        .build();
  }

  private static RequestPredicate get(String path) {
    return RequestPredicates.methods(HttpMethod.GET, HttpMethod.HEAD)
        .and(RequestPredicates.path(path));
  }

  private static Mono<ServerResponse> html(String page) {
    return ServerResponse.ok()
        .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
        .header("Content-Security-Policy", "default-src 'none'")
        .header("X-Content-Type-Options", "nosniff")
        .bodyValue(page);
  }

  private static Mono<ServerResponse> health(Health health) {
    return health.healthy()
        ? text(HttpStatus.OK, "ok")
        : text(HttpStatus.SERVICE_UNAVAILABLE, health.reason());
  }

  private static Mono<ServerResponse> text(HttpStatus status, String text) {
    return ServerResponse.status(status)
        .contentType(new MediaType(MediaType.TEXT_PLAIN, StandardCharsets.UTF_8))
        .bodyValue(text + "\n");
  }

  /** Without an API key, only programs on the same machine can reach the server. */
  @Bean
  WebServerFactoryCustomizer<ConfigurableReactiveWebServerFactory> s3ListeningAddress(
      Environment environment, ServerProperties properties) {
    boolean keys = properties.tenants().values().stream().anyMatch(t -> !t.apiKeys().isEmpty());
    return factory -> {
      if (!keys && environment.getProperty("server.address") == null) {
        factory.setAddress(InetAddress.getLoopbackAddress());
        log.info(
            "listening on the loopback address only, because no tenant has an API key; set"
                + " s3llm.tenants.NAME.api-keys[0], or server.address=0.0.0.0 to serve everybody");
      }
    };
  }
}
