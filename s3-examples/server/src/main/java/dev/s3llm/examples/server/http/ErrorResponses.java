package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Json;
import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.codec.HttpMessageWriter;
import org.springframework.web.reactive.function.server.HandlerStrategies;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.reactive.result.view.ViewResolver;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Creates responses for errors. */
final class ErrorResponses {
  private static final ServerResponse.Context CONTEXT =
      new ServerResponse.Context() {
        private final HandlerStrategies strategies = HandlerStrategies.withDefaults();

        @Override
        public List<HttpMessageWriter<?>> messageWriters() {
          return strategies.messageWriters();
        }

        @Override
        public List<ViewResolver> viewResolvers() {
          return strategies.viewResolvers();
        }
      };

  private ErrorResponses() {}

  /** Returns the response for an error. */
  static Mono<ServerResponse> of(ApiException error) {
    ServerResponse.BodyBuilder response =
        ServerResponse.status(error.status()).contentType(MediaType.APPLICATION_JSON);
    error
        .retryAfterSeconds()
        .ifPresent(s -> response.header(HttpHeaders.RETRY_AFTER, String.valueOf(s)));
    if (error.status() == HttpStatus.GATEWAY_TIMEOUT.value()) { // a deadline: clients would retry
      response.header("x-should-retry", "false");
    }
    if (error.status()
        == HttpStatus.REQUEST_TIMEOUT.value()) { // the rest of the body may come late
      response.header(HttpHeaders.CONNECTION, "close");
    }
    if (error.status() == HttpStatus.UNAUTHORIZED.value()) {
      response.header(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
    }
    return response.bodyValue(Json.write(error.body()));
  }

  /** Writes the response for an error to an exchange without a handler. */
  static Mono<Void> write(ServerWebExchange exchange, ApiException error) {
    return of(error).flatMap(response -> response.writeTo(exchange, CONTEXT));
  }
}
