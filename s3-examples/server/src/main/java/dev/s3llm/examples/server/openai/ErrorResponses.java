package dev.s3llm.examples.server.openai;

import java.nio.charset.StandardCharsets;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Writes errors outside the handler. */
public final class ErrorResponses {
  private ErrorResponses() {}

  /** Answers an exchange with an error. */
  public static Mono<Void> write(ServerWebExchange exchange, ApiException error) {
    ServerHttpResponse response = exchange.getResponse();
    response.setStatusCode(HttpStatusCode.valueOf(error.status()));
    response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
    byte[] body = Json.write(error.body()).getBytes(StandardCharsets.UTF_8);
    return response.writeWith(Mono.just(response.bufferFactory().wrap(body)));
  }
}
