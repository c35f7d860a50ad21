package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.CallFilter;
import dev.s3llm.examples.server.openai.ErrorResponses;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/** Lets in who has an API key of a tenant, and notes the tenant; everybody if there are no keys. */
final class ApiKeyFilter implements WebFilter {
  private static final String BEARER = "Bearer ";

  private final List<Key> keys = new ArrayList<>();

  private record Key(String secret, String tenant) {}

  ApiKeyFilter(Map<String, S3Properties.Tenant> tenants) {
    tenants.forEach(
        (name, tenant) -> tenant.apiKeys().forEach(key -> keys.add(new Key(key, name))));
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    if (keys.isEmpty() || !exchange.getRequest().getPath().value().startsWith("/v1/")) {
      return chain.filter(exchange);
    }
    Optional<String> tenant =
        tenant(exchange.getRequest().getHeaders().getFirst(HttpHeaders.AUTHORIZATION));
    if (tenant.isEmpty()) {
      return ErrorResponses.write(exchange, ApiException.unauthorized());
    }
    exchange.getAttributes().put(CallFilter.TENANT, tenant.get());
    return chain.filter(exchange);
  }

  private Optional<String> tenant(@Nullable String authorization) {
    if (authorization == null || !authorization.startsWith(BEARER)) {
      return Optional.empty();
    }
    byte[] given = bytes(authorization.substring(BEARER.length()).strip());
    Optional<String> tenant = Optional.empty();
    for (Key key : keys) { // all of them, so that the time taken says nothing
      if (MessageDigest.isEqual(bytes(key.secret), given)) {
        tenant = Optional.of(key.tenant);
      }
    }
    return tenant;
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
