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
import org.springframework.web.reactive.function.server.HandlerFilterFunction;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Lets in who has a bearer token among its keys, and notes the tenant whose key it is; everybody if
 * there are no keys. It stands on routes, so that no spelling of a path leads around it.
 */
final class ApiKeyFilter implements HandlerFilterFunction<ServerResponse, ServerResponse> {
  private static final String BEARER = "Bearer ";

  private final List<Key> keys = new ArrayList<>();

  private record Key(String secret, String tenant) {}

  /** Takes the keys of all tenants. */
  ApiKeyFilter(Map<String, S3Properties.Tenant> tenants) {
    tenants.forEach(
        (name, tenant) -> tenant.apiKeys().forEach(key -> keys.add(new Key(key, name))));
  }

  @Override
  public Mono<ServerResponse> filter(
      ServerRequest request, HandlerFunction<ServerResponse> answer) {
    if (keys.isEmpty()) {
      return answer.handle(request);
    }
    Optional<String> tenant = tenant(request.headers().firstHeader(HttpHeaders.AUTHORIZATION));
    if (tenant.isEmpty()) {
      return ErrorResponses.of(ApiException.unauthorized());
    }
    request.attributes().put(CallFilter.TENANT, tenant.get());
    return answer.handle(request);
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
