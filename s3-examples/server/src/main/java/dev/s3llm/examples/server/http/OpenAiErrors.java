package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import org.springframework.core.Ordered;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import reactor.core.publisher.Mono;

/**
 * Writes errors that do not reach the handler, such as an unknown path or a wrong method, in the
 * protocol's form. A route for all paths would hide the application's own routes.
 */
public final class OpenAiErrors implements WebExceptionHandler, Ordered {
  private static final PathPattern PATHS = PathPatternParser.defaultInstance.parse("/v1/**");

  /** Returns an order before that of Spring Boot's handler, which is -1. */
  @Override
  public int getOrder() {
    return -2;
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange, Throwable cause) {
    if (exchange.getResponse().isCommitted() // the next handler logs it and ends the connection
        || !(cause instanceof ResponseStatusException web)
        || !PATHS.matches(exchange.getRequest().getPath().pathWithinApplication())) {
      return Mono.error(cause);
    }
    exchange.getResponse().getHeaders().putAll(web.getHeaders());
    return ErrorResponses.write(exchange, ApiException.of(web));
  }
}
