package dev.s3llm.examples.server.http;

import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.PathContainer;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.reactive.CorsWebFilter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import reactor.core.publisher.Mono;

/**
 * Lets browsers use the protocol's endpoints from pages of other origins (CORS). Other paths are
 * left to the application.
 */
public final class OriginFilter implements WebFilter {
  private static final PathPattern PATHS = PathPatternParser.defaultInstance.parse("/v1/**");

  private final boolean active;
  private final CorsWebFilter cors;

  /**
   * Creates a filter.
   *
   * @param origins the origins that are allowed, or {@code *} for all; if empty, the filter does
   *     nothing
   */
  public OriginFilter(List<String> origins) {
    CorsConfiguration allowed = new CorsConfiguration();
    allowed.setAllowedOrigins(origins);
    allowed.setAllowedMethods(List.of("GET", "HEAD", "POST"));
    allowed.setAllowedHeaders(List.of(CorsConfiguration.ALL));
    allowed.setExposedHeaders(List.of(RequestIdFilter.HEADER, HttpHeaders.RETRY_AFTER));
    this.active = !origins.isEmpty();
    this.cors = new CorsWebFilter(exchange -> allowed);
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    PathContainer path = exchange.getRequest().getPath().pathWithinApplication();
    return active && PATHS.matches(path) ? cors.filter(exchange, chain) : chain.filter(exchange);
  }
}
