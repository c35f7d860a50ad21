package dev.s3llm.examples.server.openai;

import org.springframework.core.Ordered;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import reactor.core.publisher.Mono;

/**
 * Words what never reaches the handler, such as an unknown path or a wrong method, as the protocol
 * does. No route for all paths: it would hide those of the application.
 */
public final class OpenAiErrors implements WebExceptionHandler, Ordered {
  private static final PathPattern PATHS = PathPatternParser.defaultInstance.parse("/v1/**");

  /** Before Spring Boot's own, which has -1. */
  @Override
  public int getOrder() {
    return -2;
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange, Throwable cause) {
    if (exchange.getResponse().isCommitted() // whoever comes next logs it and ends the connection
        || !(cause instanceof ResponseStatusException web)
        || !PATHS.matches(exchange.getRequest().getPath().pathWithinApplication())) {
      return Mono.error(cause);
    }
    exchange.getResponse().getHeaders().putAll(web.getHeaders());
    return ErrorResponses.write(exchange, ApiException.of(web));
  }
}
